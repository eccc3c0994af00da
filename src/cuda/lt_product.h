#pragma once
#include <memory>
#include <string>
#include <vector>

#include "cuda/cublaslt_library.h"
#include "cuda/cuda_device.h"

namespace halftone::cuda {

/// Y = activation(X W^T + residual + bias) through cuBLASLt: X [pixels, channels], W [outputs, channels], Y [pixels,
/// outputs], row by row.
struct LtProductDescription {
  std::int64_t pixels = 1, channels = 1, outputs = 1;
  cudaDataType_t in = CUDA_R_16F;
  cudaDataType_t out = CUDA_R_32F;  ///< also the residual's and the bias'
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  bool bias = false, residual = false, relu = false;
  const void* bias_values = nullptr;  ///< [outputs] on the device; may be left out where the product will not run
};

/// One algorithm for a product, ready to run.
class LtProduct {
 public:
  /// Number `rank` of the library's own list. Throws unsupported where that is shorter.
  LtProduct(cublasLtHandle_t handle, const LtProductDescription& product, int rank);
  ~LtProduct();
  LtProduct(const LtProduct&) = delete;
  LtProduct& operator=(const LtProduct&) = delete;

  /// How many algorithms the library offers, up to `most`.
  static int count(cublasLtHandle_t handle, const LtProductDescription& product, int most);

  std::size_t workspace_bytes() const { return choice_.workspaceSize; }
  void run(const void* x, const void* w, const void* residual, void* y, void* workspace, cudaStream_t stream) const;

 private:
  LtProduct(cublasLtHandle_t handle, const LtProductDescription& product);
  std::vector<cublasLtMatmulHeuristicResult_t> list(int most) const;

  const CublasLtLibrary& lt_;
  cublasLtHandle_t handle_;
  LtProductDescription product_;
  cublasLtMatmulDesc_t desc_ = nullptr;
  cublasLtMatrixLayout_t a_ = nullptr, b_ = nullptr, d_ = nullptr;
  cublasLtMatmulPreference_t preference_ = nullptr;
  bool described_ = false;
  cublasLtMatmulHeuristicResult_t choice_{};
};

}  // namespace halftone::cuda
