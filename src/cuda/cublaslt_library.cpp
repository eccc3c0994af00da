#include "cuda/cublaslt_library.h"

#include "cuda/shared_library.h"

namespace halftone::cuda {
namespace {

CublasLtLibrary load() {
  const SharedLibrary library("cuBLASLt", {"libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR)});
  CublasLtLibrary functions;
  library.find(functions.get_version, "cublasLtGetVersion");
  library.find(functions.create, "cublasLtCreate");
  library.find(functions.destroy, "cublasLtDestroy");
  library.find(functions.create_product, "cublasLtMatmulDescCreate");
  library.find(functions.destroy_product, "cublasLtMatmulDescDestroy");
  library.find(functions.set_product, "cublasLtMatmulDescSetAttribute");
  library.find(functions.create_layout, "cublasLtMatrixLayoutCreate");
  library.find(functions.destroy_layout, "cublasLtMatrixLayoutDestroy");
  library.find(functions.create_preference, "cublasLtMatmulPreferenceCreate");
  library.find(functions.destroy_preference, "cublasLtMatmulPreferenceDestroy");
  library.find(functions.set_preference, "cublasLtMatmulPreferenceSetAttribute");
  library.find(functions.heuristic, "cublasLtMatmulAlgoGetHeuristic");
  library.find(functions.matmul, "cublasLtMatmul");
  return functions;
}

}  // namespace

const CublasLtLibrary& cublaslt_library() {
  static const CublasLtLibrary functions = load();
  return functions;
}

}  // namespace halftone::cuda
