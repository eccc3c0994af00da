#pragma once
#include <cstdint>
#include <functional>
#include <optional>
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

/// Images/s of `sessions` threads with a session each, every run with its inputs copied from and its outputs to the
/// host, so that one's copies go on beside another's work. Runs for about `seconds`.
double host_to_host_rate(const std::shared_ptr<const Engine>& engine, std::int64_t batch, int sessions, double seconds);

/// What a steady load of about `seconds` draws, by the device's meter; nullopt where it has none.
struct Draw {
  double joules_per_run = 0;
  double clock_hz = 0;
  std::vector<std::string> limits;
};
std::optional<Draw> measure_draw(Backend& backend, const std::function<void()>& run, double seconds);

}  // namespace halftone
