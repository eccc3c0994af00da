#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "engine/session.h"

namespace halftone {

/// Throws invalid_argument where `sessions` is under 1, or so many sessions of so many threads want more cores than the
/// device has.
void check_sessions(const Backend& backend, int sessions, int threads);

/// Sessions of one engine that run at once. Each lives on a thread of its own, confined to its own share of the
/// device's cores, where its memory is allocated too; a single session lives on the caller's thread, unconfined.
class SessionTeam {
 public:
  /// Throws as check_sessions() does.
  SessionTeam(std::shared_ptr<const Engine> engine, int sessions);
  SessionTeam(const SessionTeam&) = delete;
  SessionTeam& operator=(const SessionTeam&) = delete;
  ~SessionTeam();

  const Engine& engine() const { return *engine_; }
  int size() const { return static_cast<int>(sessions_.size()); }

  /// Calls work(session, its number) on every session's thread at once and returns when all are done. Throws the first
  /// error that one threw.
  void run(const std::function<void(Session&, int)>& work);

 private:
  struct Crew;  // the threads
  std::shared_ptr<const Engine> engine_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::unique_ptr<Crew> crew_;
};

}  // namespace halftone
