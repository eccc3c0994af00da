#include "cuda/tensor_map.h"

#include <cuda_runtime.h>

namespace halftone::cuda {
namespace {

CUtensorMapDataType type_of(int element_bytes) {
  return element_bytes == 1 ? CU_TENSOR_MAP_DATA_TYPE_UINT8 : CU_TENSOR_MAP_DATA_TYPE_UINT16;
}

constexpr int kEntryVersion = 12000;  // of the driver's interface: the first with tensor maps

/// The driver's function of that name, or nullptr; the project does not link with the driver.
template <typename Function>
Function* driver_function(const char* name) {
  void* entry = nullptr;
  cudaDriverEntryPointQueryResult found{};
  if (cudaGetDriverEntryPointByVersion(name, &entry, kEntryVersion, cudaEnableDefault, &found) != cudaSuccess ||
      found != cudaDriverEntryPointSuccess)
    return nullptr;
  return reinterpret_cast<Function*>(entry);
}

using RowEncoder = decltype(cuTensorMapEncodeTiled);
RowEncoder* row_encoder() {
  static auto* const encoder = driver_function<RowEncoder>("cuTensorMapEncodeTiled");
  return encoder;
}

}  // namespace

bool reads_rows(const ConvParams& p) {
  return p.kernel_height == 1 && p.kernel_width == 1 && p.stride_height == 1 && p.stride_width == 1 && p.pad_top == 0 &&
         p.pad_left == 0 && p.out_height == p.height && p.out_width == p.width;
}

cudaError_t map_pixels(CUtensorMap& map, const ConvParams& p, int element_bytes, int slab_bytes, int rows) {
  auto* const encode_rows = row_encoder();
  static auto* const encode_image = driver_function<decltype(cuTensorMapEncodeIm2col)>("cuTensorMapEncodeIm2col");
  if (encode_rows == nullptr || encode_image == nullptr) return cudaErrorNotSupported;
  const auto type = type_of(element_bytes);
  const auto swizzle = slab_bytes == 128 ? CU_TENSOR_MAP_SWIZZLE_128B : CU_TENSOR_MAP_SWIZZLE_64B;
  const auto values = static_cast<cuuint32_t>(slab_bytes / element_bytes);
  const auto pixel_bytes = static_cast<cuuint64_t>(p.input_pitch) * static_cast<cuuint64_t>(element_bytes);
  const auto channels = static_cast<cuuint64_t>(p.channels);
  const auto width = static_cast<cuuint64_t>(p.width), height = static_cast<cuuint64_t>(p.height);
  auto* input = const_cast<void*>(p.input);
  CUresult result = CUDA_SUCCESS;
  if (reads_rows(p)) {
    const cuuint64_t sizes[2] = {channels, static_cast<cuuint64_t>(output_pixels(p))};
    const cuuint64_t strides[1] = {pixel_bytes};
    const cuuint32_t box[2] = {values, static_cast<cuuint32_t>(rows)}, steps[2] = {1, 1};
    result = encode_rows(&map, type, 2, input, sizes, strides, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle,
                         CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  } else {
    const cuuint64_t sizes[4] = {channels, width, height, static_cast<cuuint64_t>(p.batch)};
    const cuuint64_t strides[3] = {pixel_bytes, pixel_bytes * width, pixel_bytes * width * height};
    const cuuint32_t steps[4] = {1, static_cast<cuuint32_t>(p.stride_width), static_cast<cuuint32_t>(p.stride_height),
                                 1};
    // Corners of the box that windows start in, counted from the image's first and last pixel.
    const int lower[2] = {-p.pad_left, -p.pad_top};
    const int upper[2] = {(p.out_width - 1) * p.stride_width - p.pad_left - (p.width - 1),
                          (p.out_height - 1) * p.stride_height - p.pad_top - (p.height - 1)};
    result = encode_image(&map, type, 4, input, sizes, strides, lower, upper, values, static_cast<cuuint32_t>(rows),
                          steps, CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle, CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
                          CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  }
  return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t map_strips(CUtensorMap& map, const ConvParams& p, int element_bytes, int pitch, int lines) {
  auto* const encode = row_encoder();
  if (encode == nullptr) return cudaErrorNotSupported;
  const int bytes = p.channels * element_bytes;
  const auto pixel_bytes = static_cast<cuuint64_t>(p.input_pitch) * static_cast<cuuint64_t>(element_bytes);
  const auto width = static_cast<cuuint64_t>(p.width), height = static_cast<cuuint64_t>(p.height);
  const cuuint64_t sizes[4] = {static_cast<cuuint64_t>(p.channels), width, height, static_cast<cuuint64_t>(p.batch)};
  const cuuint64_t strides[3] = {pixel_bytes, pixel_bytes * width, pixel_bytes * width * height};
  const cuuint32_t box[4] = {static_cast<cuuint32_t>(p.channels), static_cast<cuuint32_t>(pitch),
                             static_cast<cuuint32_t>(lines), 1};
  const cuuint32_t steps[4] = {1, 1, 1, 1};
  const auto result =
      encode(&map, type_of(element_bytes), 4, const_cast<void*>(p.input), sizes, strides, box, steps,
             CU_TENSOR_MAP_INTERLEAVE_NONE, bytes == 128 ? CU_TENSOR_MAP_SWIZZLE_128B : CU_TENSOR_MAP_SWIZZLE_64B,
             CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t map_rows(CUtensorMap& map, const void* matrix, int64_t all_rows, int all_columns, int element_bytes,
                     int rows, int columns) {
  auto* const encode = row_encoder();
  if (encode == nullptr) return cudaErrorNotSupported;
  const cuuint64_t sizes[2] = {static_cast<cuuint64_t>(all_columns), static_cast<cuuint64_t>(all_rows)};
  const cuuint64_t strides[1] = {sizes[0] * static_cast<cuuint64_t>(element_bytes)};
  const cuuint32_t box[2] = {static_cast<cuuint32_t>(columns), static_cast<cuuint32_t>(rows)}, steps[2] = {1, 1};
  const auto result = encode(&map, type_of(element_bytes), 2, const_cast<void*>(matrix), sizes, strides, box, steps,
                             CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_NONE,
                             CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
}

}  // namespace halftone::cuda
