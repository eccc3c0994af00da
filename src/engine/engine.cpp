#include "engine/engine.h"

namespace halftone {

std::vector<std::int64_t> Engine::batches() const {
  std::vector<std::int64_t> result;
  for (const auto& [batch, program] : programs_) result.push_back(batch);
  return result;
}

const Program& Engine::program(std::int64_t batch) const {
  const auto found = programs_.find(batch);
  if (found == programs_.end())
    fail(Code::invalid_argument, "the engine was built for batch {}, not {}", fmt::join(batches(), ", "), batch);
  return found->second;
}

std::size_t Engine::weight_bytes() const { return weights_.bytes(); }

std::string tactic_metadata_key(const DeviceInfo& device) { return "halftone.tactics." + device.key; }

}  // namespace halftone
