#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "engine/session.h"

namespace halftone {

/// Seeded random values (normal, for floats) for each port, on the host.
std::vector<Tensor> random_tensors(std::span<const Port> ports, unsigned seed = 1);

/// One run of the program for `batch` on inputs of its own (seeded random), for measuring. The session must outlive it.
/// On a device with memory of its own they lie there, unless `with_copies`: then each run brings its inputs from the
/// host and its outputs back.
std::function<void()> random_run(Session& session, std::int64_t batch, bool with_copies = false);

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
