#include "cuda/nvml.h"

#include <cuda_runtime.h>

#include <array>

#include "base/error.h"
#include "cuda/shared_library.h"

namespace halftone::cuda {
namespace {

constexpr int kSuccess = 0;
constexpr int kSmClock = 1;

/// Reasons for a lower clock, as NVML's documentation numbers them; those that do not hurt are left out.
struct Limit {
  unsigned long long bit;
  const char* name;
};
constexpr std::array kLimits{Limit{0x04, "power"}, Limit{0x08, "hardware"}, Limit{0x20, "heat"}, Limit{0x40, "heat"},
                             Limit{0x80, "power brake"}};

}  // namespace

struct Nvml::Functions {
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*by_bus)(const char*, void**) = nullptr;
  int (*energy)(void*, unsigned long long*) = nullptr;  ///< millijoules since the driver was loaded
  int (*clock)(void*, int, unsigned*) = nullptr;        ///< MHz
  int (*limits)(void*, unsigned long long*) = nullptr;
};

Nvml::Nvml(int device) {
  char bus[32] = {};
  if (cudaDeviceGetPCIBusId(bus, sizeof bus, device) != cudaSuccess) return;
  auto functions = std::make_unique<Functions>();
  try {
    const SharedLibrary library("NVML", {"libnvidia-ml.so.1"});
    library.find(functions->init, "nvmlInit_v2");
    library.find(functions->shutdown, "nvmlShutdown");
    library.find(functions->by_bus, "nvmlDeviceGetHandleByPciBusId_v2");
    library.find(functions->energy, "nvmlDeviceGetTotalEnergyConsumption");
    library.find(functions->clock, "nvmlDeviceGetClockInfo");
    library.find(functions->limits, "nvmlDeviceGetCurrentClocksThrottleReasons");
  } catch (const Error&) {
    return;  // figures then come without power
  }
  if (functions->init() != kSuccess) return;
  functions_ = std::move(functions);
  if (functions_->by_bus(bus, &card_) != kSuccess) card_ = nullptr;
}

Nvml::~Nvml() {
  if (functions_) functions_->shutdown();
}

std::optional<PowerReading> Nvml::read() const {
  unsigned long long millijoules = 0, reasons = 0;
  unsigned clock = 0;
  if (!card_ || functions_->energy(card_, &millijoules) != kSuccess) return std::nullopt;
  PowerReading reading;
  reading.joules = static_cast<double>(millijoules) * 1e-3;
  if (functions_->clock(card_, kSmClock, &clock) == kSuccess) reading.clock_hz = 1e6 * clock;
  if (functions_->limits(card_, &reasons) == kSuccess)
    for (const auto& limit : kLimits)
      if (reasons & limit.bit && (reading.limits.empty() || reading.limits.back() != limit.name))
        reading.limits.emplace_back(limit.name);
  return reading;
}

}  // namespace halftone::cuda
