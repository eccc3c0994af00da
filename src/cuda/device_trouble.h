#pragma once
#include <cuda_runtime.h>

#include <string>
#include <string_view>

/// Why a GPU cannot be used, a clause for people; empty where it can.
namespace halftone::cuda {

/// `driver` and `toolkit` are CUDA versions as CUDA numbers them (13000 is 13.0; 0: there is no driver), `counting`
/// what counting the devices said.
std::string driver_trouble(int driver, int toolkit, cudaError_t counting);

/// Of device `index` where there are `count`.
std::string index_trouble(int index, int count);

/// Compute capabilities as major * 10 + minor; `oldest` is the first that the build has code for.
std::string age_trouble(std::string_view name, int capability, int oldest);

}  // namespace halftone::cuda
