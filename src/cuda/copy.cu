#include "cuda/copy.h"

#include "cuda/dependency.cuh"
#include "cuda/element_dispatch.cuh"
#include "cuda/launch.h"

namespace halftone::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kFewItems = int64_t{1} << 31;  // that 32 bits count, a grid's step beyond included

template <typename Word>
__global__ void pick_kernel(const PickParams p, int words, int64_t items) {
  release_next();
  await_earlier();
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < items; i += step) {
    const int64_t pixel = i / words;
    const int64_t line = pixel / p.out_width;
    const int64_t image = line / p.out_height;
    const int64_t y = (line - image * p.out_height) * p.stride_height;
    const int64_t x = (pixel - line * p.out_width) * p.stride_width;
    const int64_t from = ((image * p.height + y) * p.width + x) * words + (i - pixel * words);
    static_cast<Word*>(p.output)[i] = static_cast<const Word*>(p.input)[from];
  }
}

template <typename Word>
__global__ void widen_kernel(const Word* input, Word* output, int from, int to, int64_t items) {
  release_next();
  await_earlier();
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < items; i += step) {
    const int64_t row = i / to;
    const int at = static_cast<int>(i - row * to);
    output[i] = at < from ? input[row * from + at] : Word{};
  }
}

/// Index counts items: 32 bits where they do, since a division of 64 costs more than a copy.
template <typename Word, typename Index>
__global__ void concat_kernel(const ConcatParams p, Index width, Index items) {
  release_next();
  await_earlier();
  const Index step = Index{gridDim.x} * blockDim.x;
  for (Index i = Index{blockIdx.x} * blockDim.x + threadIdx.x; i < items; i += step) {
    const Index row = i / width;
    const Index at = i - row * width;
    Index begin = 0;
    for (int part = 0; part < p.parts; ++part) {
      const Index end = static_cast<Index>(p.ends[part]);
      if (at < end) {
        static_cast<Word*>(p.output)[i] = static_cast<const Word*>(p.inputs[part])[row * (end - begin) + at - begin];
        break;
      }
      begin = end;
    }
  }
}

template <typename Word>
cudaError_t launch_pick(const PickParams& p, cudaStream_t stream) {
  const int words = p.pixel_bytes / static_cast<int>(sizeof(Word));
  const int64_t items = p.batch * p.out_height * p.out_width * words;
  return launch_overlapping(pick_kernel<Word>, grid_blocks(items, kThreads), kThreads, 0, stream, p, words, items);
}

template <typename Word>
cudaError_t launch_widen(const void* input, void* output, int64_t rows, int from_bytes, int to_bytes,
                         cudaStream_t stream) {
  constexpr int kBytes = static_cast<int>(sizeof(Word));
  const int64_t items = rows * (to_bytes / kBytes);
  return launch_overlapping(widen_kernel<Word>, grid_blocks(items, kThreads), kThreads, 0, stream,
                            static_cast<const Word*>(input), static_cast<Word*>(output), from_bytes / kBytes,
                            to_bytes / kBytes, items);
}

template <typename Word>
cudaError_t launch_concat(const ConcatParams& p, cudaStream_t stream) {
  const int64_t width = p.ends[p.parts - 1];
  const int64_t items = p.rows * width;
  const unsigned blocks = grid_blocks(items, kThreads);
  if (items <= kFewItems) {
    return launch_overlapping(concat_kernel<Word, uint32_t>, blocks, kThreads, 0, stream, p,
                              static_cast<uint32_t>(width), static_cast<uint32_t>(items));
  }
  return launch_overlapping(concat_kernel<Word, uint64_t>, blocks, kThreads, 0, stream, p, static_cast<uint64_t>(width),
                            static_cast<uint64_t>(items));
}

}  // namespace

cudaError_t pick_pixels(const PickParams& p, cudaStream_t stream) {
  return p.pixel_bytes % 16 == 0 ? launch_pick<int4>(p, stream) : launch_pick<int>(p, stream);
}

cudaError_t widen_rows(const void* input, void* output, int64_t rows, int from_bytes, int to_bytes,
                       cudaStream_t stream) {
  if (from_bytes % 8 == 0) return launch_widen<int2>(input, output, rows, from_bytes, to_bytes, stream);
  if (from_bytes % 4 == 0) return launch_widen<int>(input, output, rows, from_bytes, to_bytes, stream);
  if (from_bytes % 2 == 0) return launch_widen<short>(input, output, rows, from_bytes, to_bytes, stream);
  return launch_widen<char>(input, output, rows, from_bytes, to_bytes, stream);
}

cudaError_t concat(const ConcatParams& p, cudaStream_t stream) {
  switch (p.word) {
    case 1: return launch_concat<char>(p, stream);
    case 2: return launch_concat<short>(p, stream);
    case 4: return launch_concat<int>(p, stream);
    case 8: return launch_concat<int2>(p, stream);
    case 16: return launch_concat<int4>(p, stream);
    default: return cudaErrorInvalidValue;
  }
}

}  // namespace halftone::cuda
