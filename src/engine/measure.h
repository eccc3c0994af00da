#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/session_team.h"

namespace halftone {

/// Seeded random values for each port, on the host: normal for floats, any bits for integers.
std::vector<Tensor> random_tensors(std::span<const Port> ports, unsigned seed = 1);

/// Does a number of runs and appends the milliseconds that each took.
using TimedRuns = std::function<void(int runs, std::vector<double>& milliseconds)>;

/// The inputs that random_runs() measures on: the same for the same program.
std::vector<Tensor> random_inputs(const Program& program);

/// Runs of the program for `batch` on random_inputs(), in every session of the team at once: `runs` timed ones each,
/// and a session that is done goes on, untimed, until the slowest is, so that all of them are timed under the same
/// load. The team must outlive it. On a device with memory of its own inputs and outputs lie there.
TimedRuns random_runs(SessionTeam& team, std::int64_t batch);

/// Images/s of `sessions` threads with a session each on each of the engines, every run with its inputs copied from and
/// its outputs to the host, so that one's copies go on beside another's work. Runs for about `seconds`.
double host_to_host_rate(std::span<const std::shared_ptr<const Engine>> engines, std::int64_t batch, int sessions,
                         double seconds);

/// What all sessions of a team at work for about `seconds` draw, by the meters of their devices together; nullopt where
/// one has none.
struct Draw {
  double joules_per_run = 0;        ///< of one session
  double clock_hz = 0;              ///< of the slowest device
  std::vector<std::string> limits;  ///< of all devices
};
std::optional<Draw> measure_draw(SessionTeam& team, std::int64_t batch, double seconds);

}  // namespace halftone
