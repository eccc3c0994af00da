#pragma once
#include <optional>

#include "backend/backend.h"

namespace halftone::cuda {

/// The driver's meter for one card, found by its place on the PCI bus.
class Nvml {
 public:
  /// Without a meter where the driver's library or the card's counter is missing.
  explicit Nvml(int device);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  std::optional<PowerReading> read() const;

 private:
  struct Functions;
  std::unique_ptr<Functions> functions_;
  void* card_ = nullptr;
};

}  // namespace halftone::cuda
