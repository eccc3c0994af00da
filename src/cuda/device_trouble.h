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

/// Compute capabilities as major * 10 + minor: the device's, and that of the code it runs, 0 where there is none for
/// it.
std::string code_trouble(std::string_view name, int capability, int code);

}  // namespace halftone::cuda
