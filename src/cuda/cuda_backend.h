#pragma once
#include <memory>
#include <vector>

#include "backend/backend.h"

namespace halftone {

/// CUDA device number `index`, in the driver's order (CUDA_VISIBLE_DEVICES holds). Throws not_found where there is no
/// driver or one older than this build's toolkit, no such device, one that this build has no code for, or no cuDNN or
/// cuBLASLt of the right version.
std::shared_ptr<Backend> make_cuda_backend(int index = 0);

/// What there is: one entry a device; empty without a driver or a device.
std::vector<DeviceInfo> cuda_devices();

}  // namespace halftone
