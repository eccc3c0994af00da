#include "cpu/lanes_avx512.h"

#include "cpu/pointwise_lanes.h"

namespace halftone::cpu {

const Pointwise pointwise_avx512 = kPointwise;

}  // namespace halftone::cpu
