#include "cpu/pack_panels.h"

#include <algorithm>

namespace halftone::cpu {
namespace {

template <typename To, typename From>
void pack(const From* from, std::int64_t columns, std::int64_t depth, const Panels& panels, std::int64_t dot, To* to) {
  const std::int64_t steps = (depth + dot - 1) / dot;
  const std::int64_t padded = (columns + panels.width - 1) / panels.width * panels.width;
  for (std::int64_t panel = 0; panel < padded; panel += panels.panel) {
    const std::int64_t wide = std::min<std::int64_t>(panels.panel, padded - panel);
    for (std::int64_t k = 0; k < depth; ++k)
      for (std::int64_t column = 0; column < wide && panel + column < columns; ++column)
        to[panel * steps * dot + (k / dot * wide + column) * dot + k % dot] =
            static_cast<To>(from[(panel + column) * depth + k]);
  }
}

}  // namespace

Tensor pack_panels(const Tensor& weights, std::int64_t columns, std::int64_t depth, const Panels& panels) {
  const std::int64_t dot = weights.dtype() == DType::f32 ? 1 : weights.dtype() == DType::bf16 ? 2 : panels.dot;
  const std::int64_t padded = (columns + panels.width - 1) / panels.width * panels.width;
  Tensor packed(DType::u8, Shape{padded * ((depth + dot - 1) / dot) * 4});
  std::fill_n(static_cast<std::uint8_t*>(packed.raw()), packed.bytes(), std::uint8_t{0});
  if (weights.dtype() == DType::f32)
    pack(weights.data<float>().data(), columns, depth, panels, dot, static_cast<float*>(packed.raw()));
  else if (weights.dtype() == DType::bf16)
    pack(weights.data<BFloat16>().data(), columns, depth, panels, dot, static_cast<BFloat16*>(packed.raw()));
  else if (panels.weight_bytes == 2)
    pack(weights.data<std::int8_t>().data(), columns, depth, panels, dot, static_cast<std::int16_t*>(packed.raw()));
  else pack(weights.data<std::int8_t>().data(), columns, depth, panels, dot, static_cast<std::int8_t*>(packed.raw()));
  return packed;
}

}  // namespace halftone::cpu
