#include "cuda/device_trouble.h"

#include <fmt/format.h>

namespace halftone::cuda {
namespace {

std::string version_text(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

}  // namespace

std::string driver_trouble(int driver, int toolkit, cudaError_t counting) {
  if (driver == 0) return "there is no NVIDIA driver";
  if (driver / 1000 < toolkit / 1000)
    return fmt::format("the NVIDIA driver knows CUDA up to {}, this build needs {}", version_text(driver),
                       version_text(toolkit));
  if (counting != cudaSuccess && counting != cudaErrorNoDevice) return cudaGetErrorString(counting);
  return "";
}

std::string index_trouble(int index, int count) {
  if (index >= 0 && index < count) return "";
  if (count == 0) return "this machine has no CUDA device";
  return count == 1 ? "there is only cuda:0" : fmt::format("there are cuda:0 to cuda:{}", count - 1);
}

std::string code_trouble(std::string_view name, int capability, int code) {
  if (code > 0) return "";
  return fmt::format("{} has compute capability {}.{}, for which this build has no code", name, capability / 10,
                     capability % 10);
}

}  // namespace halftone::cuda
