#pragma once
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

/// Timing by replayed graphs, and memory for one case, of the CUDA kernel benchmark.
#define MUST(call)                                                                                   \
  do {                                                                                               \
    const cudaError_t error_ = (call);                                                               \
    if (error_ != cudaSuccess) {                                                                     \
      std::fprintf(stderr, "%s:%d %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(error_)); \
      std::exit(1);                                                                                  \
    }                                                                                                \
  } while (0)

namespace halftone::cuda {

inline cudaStream_t the_stream = nullptr;

/// Queues one call on set number `set` of the operands.
using Launch = std::function<cudaError_t(int set, cudaStream_t)>;

/// Device memory that lives to the end of a case.
class Memory {
 public:
  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() {
    for (void* pointer : all_) cudaFree(pointer);
  }
  template <typename T = void>
  T* get(size_t bytes) {
    void* pointer = nullptr;
    MUST(cudaMalloc(&pointer, bytes + 256));
    MUST(cudaMemset(pointer, 0xff, bytes));  // NaN in every float type: unwritten results show
    all_.push_back(pointer);
    return static_cast<T*>(pointer);
  }

 private:
  std::vector<void*> all_;
};

/// Seconds a launch takes inside a replayed graph that walks over the sets; negative if refused.
inline double seconds(const Launch& launch, int sets, double guess) {
  if (launch(0, the_stream) != cudaSuccess) {
    cudaGetLastError();
    return -1;
  }
  MUST(cudaStreamSynchronize(the_stream));
  const int count = std::max(sets, std::clamp(static_cast<int>(1e-3 / guess), 4, 64)) / sets * sets;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  MUST(cudaStreamBeginCapture(the_stream, cudaStreamCaptureModeThreadLocal));
  for (int i = 0; i < count; ++i) {
    if (launch(i % sets, the_stream) != cudaSuccess) {
      cudaStreamEndCapture(the_stream, &graph);
      cudaGetLastError();
      return -1;
    }
  }
  MUST(cudaStreamEndCapture(the_stream, &graph));
  MUST(cudaGraphInstantiate(&exec, graph, 0));
  MUST(cudaGraphLaunch(exec, the_stream));
  cudaEvent_t begin = nullptr;
  cudaEvent_t end = nullptr;
  MUST(cudaEventCreate(&begin));
  MUST(cudaEventCreate(&end));
  std::vector<float> times;
  for (int i = 0; i < 5; ++i) {
    MUST(cudaEventRecord(begin, the_stream));
    MUST(cudaGraphLaunch(exec, the_stream));
    MUST(cudaEventRecord(end, the_stream));
    MUST(cudaEventSynchronize(end));
    float ms = 0;
    MUST(cudaEventElapsedTime(&ms, begin, end));
    times.push_back(ms);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  cudaGraphExecDestroy(exec);
  cudaGraphDestroy(graph);
  std::sort(times.begin(), times.end());
  return times[times.size() / 2] * 1e-3 / count;
}

}  // namespace halftone::cuda
