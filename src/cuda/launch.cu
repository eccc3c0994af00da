#include "cuda/launch.h"

#include <algorithm>
#include <vector>

#include "cuda/capability.h"

namespace halftone::cuda {
namespace {

/// Streams on which this thread's last kernels let the next one start early.
thread_local std::vector<cudaStream_t> overlapping;

__global__ void nothing_kernel() {}

}  // namespace

bool begin_overlap(cudaStream_t stream) {
  if (code_capability() < 90) return false;
  if (std::find(overlapping.begin(), overlapping.end(), stream) == overlapping.end()) overlapping.push_back(stream);
  return true;
}

cudaError_t end_overlap(cudaStream_t stream) {
  const auto found = std::find(overlapping.begin(), overlapping.end(), stream);
  if (found == overlapping.end()) return cudaSuccess;
  overlapping.erase(found);
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  cudaGraph_t graph = nullptr;
  const cudaGraphNode_t* last = nullptr;
  const cudaGraphEdgeData* edges = nullptr;
  std::size_t count = 0;
  const cudaError_t error = cudaStreamGetCaptureInfo(stream, &status, nullptr, &graph, &last, &edges, &count);
  if (error != cudaSuccess) return error;
  if (status != cudaStreamCaptureStatusActive) {
    nothing_kernel<<<1, 1, 0, stream>>>();
    return cudaGetLastError();
  }
  // Only kernels can be overlapped with, and a recording has nodes that cost nothing.
  cudaGraphNode_t nothing = nullptr;
  if (const cudaError_t added = cudaGraphAddEmptyNode(&nothing, graph, last, count); added != cudaSuccess) return added;
  return cudaStreamUpdateCaptureDependencies(stream, &nothing, nullptr, 1, cudaStreamSetCaptureDependencies);
}

}  // namespace halftone::cuda
