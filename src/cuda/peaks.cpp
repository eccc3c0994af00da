#include <cublasLt.h>
#include <cuda_fp8.h>

#include <algorithm>

#include "cuda/cuda_device.h"
#include "cuda/cuda_error.h"
#include "cuda/layout.h"

namespace halftone::cuda {
namespace {

/// One large product in the form the tensor cores like best: A transposed, B not.
struct Product {
  Precision precision;
  cudaDataType_t in, out;
  cublasComputeType_t compute;
  cudaDataType_t scale;
  int size;
};

constexpr Product kProducts[] = {
    {Precision::fp32, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_PEDANTIC, CUDA_R_32F, 4096},
    {Precision::tf32, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32, CUDA_R_32F, 8192},
    {Precision::bf16, CUDA_R_16BF, CUDA_R_16BF, CUBLAS_COMPUTE_32F, CUDA_R_32F, 8192},
    {Precision::fp16, CUDA_R_16F, CUDA_R_16F, CUBLAS_COMPUTE_32F, CUDA_R_32F, 8192},
    {Precision::int8, CUDA_R_8I, CUDA_R_32I, CUBLAS_COMPUTE_32I, CUDA_R_32I, 8192},
    {Precision::fp8, CUDA_R_8F_E4M3, CUDA_R_16BF, CUBLAS_COMPUTE_32F, CUDA_R_32F, 8192},
};

template <typename Work>
double best_of(CudaBackend& backend, CudaStream& stream, Work work) {
  double best = 1e9;
  for (int i = 0; i < 6; ++i) best = std::min(best, backend.seconds(stream, work));
  return best;
}

/// Operations a second, or 0 where cuBLASLt has no such product here.
double time_product(CudaBackend& backend, CudaStream& stream, cublasLtHandle_t handle, const Product& product,
                    const Buffer& a, const Buffer& b, const Buffer& c, const Buffer& workspace) {
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t in = nullptr, out = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  const cublasOperation_t transpose = CUBLAS_OP_T;
  const std::size_t bytes = workspace.bytes();
  cublasLtMatmulHeuristicResult_t choice{};
  int found = 0;
  const auto size = static_cast<std::uint64_t>(product.size);
  bool ok = cublasLtMatmulDescCreate(&desc, product.compute, product.scale) == CUBLAS_STATUS_SUCCESS &&
            cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_TRANSA, &transpose, sizeof transpose) ==
                CUBLAS_STATUS_SUCCESS &&
            cublasLtMatrixLayoutCreate(&in, product.in, size, size, product.size) == CUBLAS_STATUS_SUCCESS &&
            cublasLtMatrixLayoutCreate(&out, product.out, size, size, product.size) == CUBLAS_STATUS_SUCCESS &&
            cublasLtMatmulPreferenceCreate(&preference) == CUBLAS_STATUS_SUCCESS &&
            cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes,
                                                 sizeof bytes) == CUBLAS_STATUS_SUCCESS &&
            cublasLtMatmulAlgoGetHeuristic(handle, desc, in, in, out, out, preference, 1, &choice, &found) ==
                CUBLAS_STATUS_SUCCESS &&
            found > 0;
  double rate = 0;
  if (ok) {
    const float one_f = 1, zero_f = 0;
    const std::int32_t one_i = 1, zero_i = 0;
    const bool integer = product.scale == CUDA_R_32I;
    const void* one = integer ? static_cast<const void*>(&one_i) : &one_f;
    const void* zero = integer ? static_cast<const void*>(&zero_i) : &zero_f;
    const double time = best_of(backend, stream, [&] {
      ok &= cublasLtMatmul(handle, desc, one, a.data(), in, b.data(), in, zero, c.data(), out, c.data(), out,
                           &choice.algo, workspace.data(), workspace.bytes(), stream.get()) == CUBLAS_STATUS_SUCCESS;
    });
    if (ok) rate = 2.0 * product.size * product.size * product.size / time;
  }
  if (preference) cublasLtMatmulPreferenceDestroy(preference);
  if (out) cublasLtMatrixLayoutDestroy(out);
  if (in) cublasLtMatrixLayoutDestroy(in);
  if (desc) cublasLtMatmulDescDestroy(desc);
  return rate;
}

}  // namespace

Peaks measure_peaks(CudaBackend& backend) {
  Peaks peaks;
  CudaStream stream(backend.index());
  constexpr std::size_t kBytes = std::size_t{8192} * 8192 * 4;
  const auto a = backend.allocate(kBytes), b = backend.allocate(kBytes), c = backend.allocate(kBytes);
  const auto workspace = backend.allocate(std::size_t{64} << 20);
  // Not zeros: an idle multiplier draws less power and clocks higher. 0x3b is a small number in every type here.
  check(cudaMemsetAsync(a->data(), 0x3b, kBytes, stream.get()), "filling memory");
  check(cudaMemsetAsync(b->data(), 0x3b, kBytes, stream.get()), "filling memory");
  cublasLtHandle_t handle = nullptr;
  if (cublasLtCreate(&handle) != CUBLAS_STATUS_SUCCESS) fail(Code::device, "cuBLASLt cannot start");
  for (const auto& product : kProducts)
    peaks.flops[product.precision] = time_product(backend, stream, handle, product, *a, *b, *c, *workspace);
  cublasLtDestroy(handle);

  AddParams copy;
  copy.a = a->data();
  copy.output = c->data();
  copy.count = kBytes / 4;
  const double time = best_of(backend, stream, [&] { check(add(copy, stream.get()), "copying"); });
  // Reads and writes together: memory is shared by both.
  peaks.bandwidth.push_back({"HBM", backend.info().memory_bytes, 2.0 * kBytes / time, 0});
  return peaks;
}

}  // namespace halftone::cuda
