#include <algorithm>
#include <random>

#include "cuda/cublaslt_library.h"
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

/// Random numbers of a product's input type all over the buffer. An idle multiplier draws less power and clocks
/// higher: with zeros or a constant the same product runs up to a fifth faster than with data.
void fill_random(CudaBackend& backend, CudaStream& stream, Precision precision, const Buffer& buffer, unsigned seed) {
  constexpr std::int64_t kValues = (std::int64_t{1} << 20) + 16;  // no multiple of a row, so that rows differ
  std::mt19937 random(seed);
  Tensor block;
  if (precision == Precision::int8 || precision == Precision::fp8) {
    block = Tensor(DType::u8, Shape{kValues});
    for (auto& value : block.data<std::uint8_t>()) {
      value = static_cast<std::uint8_t>(random());
      if (precision == Precision::fp8) value &= 0xbf;  // e4m3 of magnitude under 2, none of them NaN
    }
  } else {
    block = Tensor(DType::f32, Shape{kValues});
    std::normal_distribution<float> normal;
    for (auto& value : block.data<float>()) value = normal(random);
    if (precision == Precision::fp16) block = block.to(DType::f16);
    if (precision == Precision::bf16) block = block.to(DType::bf16);
  }
  auto* to = static_cast<std::byte*>(buffer.data());
  std::size_t filled = std::min(block.bytes(), buffer.bytes());
  backend.copy(to, block.raw(), filled, stream);
  for (; filled < buffer.bytes(); filled += std::min(filled, buffer.bytes() - filled))
    backend.copy(to + filled, to, std::min(filled, buffer.bytes() - filled), stream);
  stream.synchronize();
}

template <typename Work>
double best_of(CudaBackend& backend, CudaStream& stream, Work work) {
  double best = 1e9;
  for (int i = 0; i < 6; ++i) best = std::min(best, backend.seconds(stream, work));
  return best;
}

/// Operations a second, or 0 where cuBLASLt has no such product here.
double time_product(CudaBackend& backend, CudaStream& stream, const Product& product, const Buffer& a, const Buffer& b,
                    const Buffer& c, const Buffer& workspace) {
  const auto& lt = cublaslt_library();
  const auto handle = backend.cublaslt();
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t in = nullptr, out = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  const cublasOperation_t transpose = CUBLAS_OP_T;
  const std::size_t bytes = workspace.bytes();
  cublasLtMatmulHeuristicResult_t choice{};
  int found = 0;
  const auto size = static_cast<std::uint64_t>(product.size);
  bool ok = lt.create_product(&desc, product.compute, product.scale) == CUBLAS_STATUS_SUCCESS &&
            lt.set_product(desc, CUBLASLT_MATMUL_DESC_TRANSA, &transpose, sizeof transpose) == CUBLAS_STATUS_SUCCESS &&
            lt.create_layout(&in, product.in, size, size, product.size) == CUBLAS_STATUS_SUCCESS &&
            lt.create_layout(&out, product.out, size, size, product.size) == CUBLAS_STATUS_SUCCESS &&
            lt.create_preference(&preference) == CUBLAS_STATUS_SUCCESS &&
            lt.set_preference(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes) ==
                CUBLAS_STATUS_SUCCESS &&
            lt.heuristic(handle, desc, in, in, out, out, preference, 1, &choice, &found) == CUBLAS_STATUS_SUCCESS &&
            found > 0;
  double rate = 0;
  if (ok) {
    const float one_f = 1, zero_f = 0;
    const std::int32_t one_i = 1, zero_i = 0;
    const bool integer = product.scale == CUDA_R_32I;
    const void* one = integer ? static_cast<const void*>(&one_i) : &one_f;
    const void* zero = integer ? static_cast<const void*>(&zero_i) : &zero_f;
    const double time = best_of(backend, stream, [&] {
      ok &= lt.matmul(handle, desc, one, a.data(), in, b.data(), in, zero, c.data(), out, c.data(), out, &choice.algo,
                      workspace.data(), workspace.bytes(), stream.get()) == CUBLAS_STATUS_SUCCESS;
    });
    if (ok) rate = 2.0 * product.size * product.size * product.size / time;
  }
  if (preference) lt.destroy_preference(preference);
  if (out) lt.destroy_layout(out);
  if (in) lt.destroy_layout(in);
  if (desc) lt.destroy_product(desc);
  return rate;
}

}  // namespace

Peaks measure_peaks(CudaBackend& backend) {
  Peaks peaks;
  CudaStream stream(backend.index());
  constexpr std::size_t kBytes = std::size_t{8192} * 8192 * 4;
  const auto a = backend.allocate(kBytes), b = backend.allocate(kBytes), c = backend.allocate(kBytes);
  const auto workspace = backend.allocate(std::size_t{64} << 20);
  for (const auto& product : kProducts) {
    fill_random(backend, stream, product.precision, *a, 1);
    fill_random(backend, stream, product.precision, *b, 2);
    peaks.flops[product.precision] = time_product(backend, stream, product, *a, *b, *c, *workspace);
  }

  AddParams copy;
  copy.a = a->data();
  copy.output = c->data();
  copy.count = kBytes / 4;
  const double time = best_of(backend, stream, [&] { check(add(copy, stream.get()), "copying"); });
  // Reads and writes together: memory is shared by both.
  peaks.bandwidth.push_back({"memory", backend.info().memory_bytes, 2.0 * kBytes / time, 0});
  return peaks;
}

}  // namespace halftone::cuda
