#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "engine/session.h"

namespace halftone {

/// Throws invalid_argument where `sessions` is under 1, or so many sessions of so many threads want more cores than the
/// device has.
void check_sessions(const Backend& backend, int sessions, int threads);

/// Sessions that run at once, of one engine or of one model's engines on several devices. Each lives on a thread of its
/// own, confined to its own share of the cores where the device is the CPU, and its memory is allocated there; a single
/// session lives on the caller's thread, unconfined.
class SessionTeam {
 public:
  /// Throws as check_sessions() does.
  SessionTeam(std::shared_ptr<const Engine> engine, int sessions);
  /// `sessions` of each engine, those of one engine side by side. Engines on the CPU share its cores.
  SessionTeam(std::vector<std::shared_ptr<const Engine>> engines, int sessions);
  SessionTeam(const SessionTeam&) = delete;
  SessionTeam& operator=(const SessionTeam&) = delete;
  ~SessionTeam();

  /// The first of them: all have the same programs.
  const Engine& engine() const { return *engines_.front(); }
  const std::vector<std::shared_ptr<const Engine>>& engines() const { return engines_; }
  int size() const { return static_cast<int>(sessions_.size()); }

  /// Calls work(session, its number) on every session's thread at once and returns when all are done. Throws the first
  /// error that one threw.
  void run(const std::function<void(Session&, int)>& work);

 private:
  struct Crew;  // the threads
  std::vector<std::shared_ptr<const Engine>> engines_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::unique_ptr<Crew> crew_;
};

}  // namespace halftone
