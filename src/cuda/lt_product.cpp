#include "cuda/lt_product.h"

#include "cuda/cuda_error.h"
#include "cuda/launch.h"

namespace halftone::cuda {
namespace {

constexpr std::size_t kMostWorkspace = std::size_t{32} << 20;
constexpr std::uint32_t kAlignment = 64;  // what an engine's arena gives

}  // namespace

// cuBLASLt counts columns first: seen so, Y^T = W X^T, whose rows are output channels.
LtProduct::LtProduct(cublasLtHandle_t handle, const LtProductDescription& product)
    : lt_(cublaslt_library()), handle_(handle), product_(product) {
  bool ok = true;
  const auto done = [&](cublasStatus_t status) { ok = ok && status == CUBLAS_STATUS_SUCCESS; };
  const auto size = [](std::int64_t extent) { return static_cast<std::uint64_t>(extent); };
  const cudaDataType_t scale = product.compute == CUBLAS_COMPUTE_32I ? CUDA_R_32I : CUDA_R_32F;
  done(lt_.create_product(&desc_, product.compute, scale));
  if (!ok) return;
  const auto set = [&](cublasLtMatmulDescAttributes_t what, const auto& value) {
    done(lt_.set_product(desc_, what, &value, sizeof value));
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  const cublasLtEpilogue_t epilogue = product.bias
                                          ? (product.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS)
                                      : product.relu ? CUBLASLT_EPILOGUE_RELU
                                                     : CUBLASLT_EPILOGUE_DEFAULT;
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
  if (product.bias_values) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.bias_values);
  done(lt_.create_layout(&a_, product.in, size(product.channels), size(product.outputs), product.channels));
  done(lt_.create_layout(&b_, product.in, size(product.channels), size(product.pixels), product.channels));
  done(lt_.create_layout(&d_, product.out, size(product.outputs), size(product.pixels), product.outputs));
  done(lt_.create_preference(&preference_));
  if (!ok) return;
  done(lt_.set_preference(preference_, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &kMostWorkspace,
                          sizeof kMostWorkspace));
  for (const auto what : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
    done(lt_.set_preference(preference_, what, &kAlignment, sizeof kAlignment));
  described_ = ok;
}

LtProduct::LtProduct(cublasLtHandle_t handle, const LtProductDescription& product, int rank)
    : LtProduct(handle, product) {
  const auto found = list(rank + 1);
  if (rank < 0 || static_cast<std::size_t>(rank) >= found.size())
    fail(Code::unsupported, "cuBLASLt has no algorithm number {} for this", rank);
  choice_ = found[static_cast<std::size_t>(rank)];
}

LtProduct::~LtProduct() {
  if (preference_) lt_.destroy_preference(preference_);
  for (const auto layout : {a_, b_, d_})
    if (layout) lt_.destroy_layout(layout);
  if (desc_) lt_.destroy_product(desc_);
}

std::vector<cublasLtMatmulHeuristicResult_t> LtProduct::list(int most) const {
  std::vector<cublasLtMatmulHeuristicResult_t> found(static_cast<std::size_t>(most));
  int count = 0;
  if (!described_ ||
      lt_.heuristic(handle_, desc_, a_, b_, d_, d_, preference_, most, found.data(), &count) != CUBLAS_STATUS_SUCCESS)
    count = 0;
  found.resize(static_cast<std::size_t>(count));
  return found;
}

int LtProduct::count(cublasLtHandle_t handle, const LtProductDescription& product, int most) {
  return static_cast<int>(LtProduct(handle, product).list(most).size());
}

void LtProduct::run(const void* x, const void* w, const void* residual, void* y, void* workspace,
                    cudaStream_t stream) const {
  const bool whole = product_.compute == CUBLAS_COMPUTE_32I;
  const float one = 1, zero = 0;
  const std::int32_t whole_one = 1, whole_zero = 0;
  const void* alpha = whole ? static_cast<const void*>(&whole_one) : &one;
  const void* beta = whole ? static_cast<const void*>(&whole_zero) : product_.residual ? &one : &zero;
  check(end_overlap(stream), "cublaslt.product");
  const auto status = lt_.matmul(handle_, desc_, alpha, w, a_, x, b_, beta, product_.residual ? residual : y, d_, y, d_,
                                 &choice_.algo, workspace, choice_.workspaceSize, stream);
  if (status != CUBLAS_STATUS_SUCCESS)
    fail(Code::device, "cuBLASLt: status {} from a product it had accepted", static_cast<int>(status));
}

}  // namespace halftone::cuda
