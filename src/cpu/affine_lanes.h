#pragma once
#include "cpu/affine.h"

// Epilogues by Lanes (include lanes_*.h before); internal linkage.
namespace halftone::cpu {
namespace {

template <Element kType>
inline Lanes::F load_elements(const void* base, long at, int n) {
  if constexpr (kType == Element::f32) return Lanes::load(static_cast<const float*>(base) + at, n);
  else if constexpr (kType == Element::bf16) return Lanes::load_bf16(static_cast<const std::uint16_t*>(base) + at, n);
  else if constexpr (kType == Element::u8) return Lanes::load_u8(static_cast<const std::uint8_t*>(base) + at, n);
  else return Lanes::load_i8(static_cast<const std::int8_t*>(base) + at, n);
}

template <Element kType>
inline void store_elements(void* base, long at, Lanes::F x, int n) {
  if constexpr (kType == Element::f32) Lanes::store(static_cast<float*>(base) + at, x, n);
  else if constexpr (kType == Element::bf16) Lanes::store_bf16(static_cast<std::uint16_t*>(base) + at, x, n);
  else if constexpr (kType == Element::u8) Lanes::store_u8(static_cast<std::uint8_t*>(base) + at, x, n);
  else Lanes::store_i8(static_cast<std::int8_t*>(base) + at, x, n);
}

/// The sum with residual, clamped.
template <Element kResidual>
inline Lanes::F finish_value(Lanes::F sum, Lanes::F scale, Lanes::F bias, const Affine& affine, const void* residual,
                             long at, int n) {
  Lanes::F value = Lanes::fma(sum, scale, bias);
  if constexpr (kResidual != Element::none)
    value = Lanes::fma(Lanes::set(affine.r_scale), load_elements<kResidual>(residual, at, n), value);
  return Lanes::min(Lanes::max(value, Lanes::set(affine.low)), Lanes::set(affine.high));
}

/// One vector: channels [o, o + n) of the output element `at`.
template <Element kResidual, Element kOut>
inline void finish_vector(Lanes::F sum, const Affine& affine, int o, const void* residual, void* y, long at, int n) {
  store_elements<kOut>(y, at,
                       finish_value<kResidual>(sum, Lanes::load(affine.scale + o), Lanes::load(affine.bias + o), affine,
                                               residual, at, n),
                       n);
}

/// Calls work with the two types as template arguments `work.template operator()<residual, out>()`.
template <typename Work>
inline void with_types(Element residual, Element out, Work work) {
  const auto by_out = [&]<Element kResidual>() {
    if (out == Element::f32) work.template operator()<kResidual, Element::f32>();
    else if (out == Element::bf16) work.template operator()<kResidual, Element::bf16>();
    else if (out == Element::u8) work.template operator()<kResidual, Element::u8>();
    else work.template operator()<kResidual, Element::i8>();
  };
  if (residual == Element::none) by_out.template operator()<Element::none>();
  else if (residual == Element::f32) by_out.template operator()<Element::f32>();
  else if (residual == Element::bf16) by_out.template operator()<Element::bf16>();
  else if (residual == Element::u8) by_out.template operator()<Element::u8>();
  else by_out.template operator()<Element::i8>();
}

}  // namespace
}  // namespace halftone::cpu
