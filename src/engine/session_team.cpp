#include "engine/session_team.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

namespace halftone {

void check_sessions(const Backend& backend, int sessions, int threads) {
  const int cores = backend.info().cores;
  if (sessions < 1) fail(Code::invalid_argument, "sessions {}: at least 1", sessions);
  if (sessions > 1 && backend.host_memory() && sessions * threads > cores)
    fail(Code::invalid_argument, "{} sessions of {} threads want {} cores, {} has {}", sessions, threads,
         sessions * threads, backend.info().id, cores);
}

/// Threads that each do a piece of the work at hand, and wait for the next.
struct SessionTeam::Crew {
  std::mutex mutex;
  std::condition_variable news;
  const std::function<void(int)>* work = nullptr;  ///< null with a new `turn`: go home
  int turn = 0;
  int busy = 0;
  std::exception_ptr failure;
  std::vector<std::thread> threads;

  void serve(int index) {
    for (int seen = 0;; ++seen) {
      std::unique_lock lock(mutex);
      news.wait(lock, [&] { return turn > seen; });
      if (work == nullptr) return;
      const auto& mine = *work;
      lock.unlock();
      std::exception_ptr error;
      try {
        mine(index);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      if (error && !failure) failure = error;
      if (--busy == 0) news.notify_all();
    }
  }

  void call(const std::function<void(int)>* next) {
    std::unique_lock lock(mutex);
    work = next;
    failure = nullptr;
    busy = static_cast<int>(threads.size());
    ++turn;
    news.notify_all();
    if (next == nullptr) return;
    news.wait(lock, [&] { return busy == 0; });
    if (failure) std::rethrow_exception(failure);
  }

  ~Crew() {
    call(nullptr);
    for (auto& thread : threads) thread.join();
  }
};

SessionTeam::SessionTeam(std::shared_ptr<const Engine> engine, int sessions)
    : SessionTeam(std::vector{std::move(engine)}, sessions) {}

SessionTeam::SessionTeam(std::vector<std::shared_ptr<const Engine>> engines, int sessions)
    : engines_(std::move(engines)) {
  ASSERT(!engines_.empty());
  const int all = sessions * static_cast<int>(engines_.size());
  for (const auto& engine : engines_) check_sessions(*engine->backend(), all, engine->threads());
  sessions_.resize(static_cast<std::size_t>(all));
  const std::function<void(int)> open = [&](int index) {
    const auto& engine = engines_[static_cast<std::size_t>(index / sessions)];
    if (all > 1) engine->backend()->confine(index, all);
    sessions_[static_cast<std::size_t>(index)] = std::make_unique<Session>(engine);
  };
  if (all == 1) {
    open(0);
    return;
  }
  // Waiting threads of the build would count against those of the sessions.
  engines_.front()->backend()->release_team();
  crew_ = std::make_unique<Crew>();
  for (int i = 0; i < all; ++i) crew_->threads.emplace_back([crew = crew_.get(), i] { crew->serve(i); });
  crew_->call(&open);
}

SessionTeam::~SessionTeam() = default;

void SessionTeam::run(const std::function<void(Session&, int)>& work) {
  if (!crew_) return work(*sessions_.front(), 0);
  const std::function<void(int)> each = [&](int index) { work(*sessions_[static_cast<std::size_t>(index)], index); };
  crew_->call(&each);
}

}  // namespace halftone
