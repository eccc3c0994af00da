#include "backend/backend.h"

#include <algorithm>

namespace halftone {

bool Backend::has(std::string_view feature) const {
  const auto& features = info().features;
  return std::find(features.begin(), features.end(), feature) != features.end();
}

const Kernel* find_kernel(const Backend& backend, std::string_view name) {
  for (const auto& kernel : backend.kernels())
    if (kernel.name == name) return &kernel;
  return nullptr;
}

Tensor WeightCache::get(const Tensor& source, const std::string& packing, const std::function<Tensor()>& pack) {
  const std::lock_guard lock(mutex_);
  auto& entry = entries_[fmt::format("{} {} {}", fmt::ptr(source.raw()), source.type().text(), packing)];
  if (!entry.packed.defined()) entry = {source, pack()};
  return entry.packed;
}

std::size_t WeightCache::bytes() const {
  const std::lock_guard lock(mutex_);
  std::size_t sum = 0;
  for (const auto& [key, entry] : entries_) sum += entry.packed.bytes();
  return sum;
}

}  // namespace halftone
