#pragma once
#include <utility>

namespace halftone::cpu {
namespace {

/// f.operator()<0>() … f.operator()<kCount - 1>(), written out: arrays of vectors indexed by constants stay in
/// registers, which GCC 12 does not manage for loops it unrolls later.
template <int kCount, typename Function>
[[gnu::always_inline]] inline void repeat(Function f) {
  [&]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) { (f.template operator()<i>(), ...); }
  (std::make_integer_sequence<int, kCount>{});
}

}  // namespace
}  // namespace halftone::cpu
