#include "backend/backend.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "graph/op.h"

namespace halftone {

bool Backend::has(std::string_view feature) const {
  const auto& features = info().features;
  return std::find(features.begin(), features.end(), feature) != features.end();
}

std::shared_ptr<Buffer> Backend::allocate_staging(std::size_t bytes) { return allocate_host(bytes); }

const Kernel* find_kernel(const Backend& backend, std::string_view name) {
  for (const auto& kernel : backend.kernels())
    if (kernel.name == name) return &kernel;
  return nullptr;
}

Support has_reference(const Problem& problem) {
  const Op* op = find_op(problem.op);
  return op && (op->reference || op->expand) ? Support::yes() : Support::no("the operator has no reference");
}

namespace {

/// 128 bits of the content: four 64-bit lanes of multiply and rotate, folded. Not for adversaries.
std::string content_key(const Tensor& tensor) {
  const auto* bytes = static_cast<const unsigned char*>(tensor.raw());
  const std::size_t count = tensor.bytes();
  std::uint64_t lane[4] = {0x9e3779b97f4a7c15u, 0xc2b2ae3d27d4eb4fu, 0x165667b19e3779f9u, 0x27d4eb2f165667c5u};
  const auto mix = [](std::uint64_t state, std::uint64_t word) {
    return std::rotl((state ^ word) * 0x9fb21c651e98df25u, 29);
  };
  std::size_t at = 0;
  for (; at + 32 <= count; at += 32)
    for (std::size_t i = 0; i < 4; ++i) {
      std::uint64_t word;
      std::memcpy(&word, bytes + at + 8 * i, 8);
      lane[i] = mix(lane[i], word);
    }
  for (; at < count; ++at) lane[at % 4] = mix(lane[at % 4], bytes[at]);
  const auto a = mix(mix(lane[0], lane[1]), lane[2] ^ count);
  const auto b = mix(mix(lane[2], lane[3]), lane[0]);
  return fmt::format("{:016x}{:016x}", a, b);
}

}  // namespace

Tensor WeightCache::get(const Tensor& source, const std::string& packing, const std::function<Tensor()>& pack) {
  const auto key = fmt::format("{} {} {}", content_key(source), source.type().text(), packing);
  const std::lock_guard lock(mutex_);
  auto& packed = entries_[key];
  if (!packed.defined()) packed = pack();
  return packed;
}

std::size_t WeightCache::bytes() const {
  const std::lock_guard lock(mutex_);
  std::size_t sum = 0;
  for (const auto& [key, packed] : entries_) sum += packed.bytes();
  return sum;
}

}  // namespace halftone
