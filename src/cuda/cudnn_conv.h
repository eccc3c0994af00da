#pragma once
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cuda/conv_params.h"

/// Fused convolutions through cuDNN's graph API.
typedef struct cudnnContext* cudnnHandle_t;

namespace halftone::cuda {

enum class CudnnType { kFloat32, kTf32, kFloat16, kBfloat16, kInt8, kFloat8 };

/// convolution + bias + residual + relu as one cuDNN operation graph, NHWC, weights OHWI. The bias
/// is fp32 and added before the residual; for kInt8 and kFloat8 there is a per-channel fp32 scale too, and
/// the output has the input's type.
struct CudnnConvDescription {
  ConvParams shape;  ///< only the geometry is read; groups as below
  CudnnType type = CudnnType::kFloat16;
  int groups = 1;
  bool bias = false;
  bool residual = false;
  bool relu = false;
  bool rescale = false;              ///< multiply by the number ConvParams::rescale points to, at the end
  size_t most_workspace = SIZE_MAX;  ///< bytes; engines that want more are left out
};

/// One executable plan of cuDNN's heuristic list.
class CudnnConvPlan {
 public:
  ~CudnnConvPlan();
  CudnnConvPlan(const CudnnConvPlan&) = delete;
  CudnnConvPlan& operator=(const CudnnConvPlan&) = delete;

  size_t workspace_bytes() const { return workspace_bytes_; }
  const std::string& name() const { return name_; }

  /// Pointers and workspace from `p`. Not from two threads at once with one handle.
  cudaError_t run(cudnnHandle_t handle, const ConvParams& p, cudaStream_t stream) const;

 private:
  friend std::vector<std::unique_ptr<CudnnConvPlan>> cudnn_conv_plans(cudnnHandle_t, const CudnnConvDescription&, int,
                                                                      std::string*, const std::string*);
  CudnnConvPlan() = default;
  void* plan_ = nullptr;
  std::string name_;
  size_t workspace_bytes_ = 0;
  bool bias_ = false;
  bool residual_ = false;
  bool scale_ = false;
  bool rescale_ = false;
};

/// Up to `most` plans, cuDNN's favourite first; only the one called `name` where that is given. Empty
/// where there is none; `why` then says so.
std::vector<std::unique_ptr<CudnnConvPlan>> cudnn_conv_plans(cudnnHandle_t handle, const CudnnConvDescription& conv,
                                                             int most, std::string* why,
                                                             const std::string* name = nullptr);

/// The names of up to `most` plans, none of them built (building one may compile code).
std::vector<std::string> cudnn_conv_names(cudnnHandle_t handle, const CudnnConvDescription& conv, int most,
                                          std::string* why);

}  // namespace halftone::cuda
