#include "cpu/lanes_avx2.h"

#include "cpu/pointwise_lanes.h"

namespace halftone::cpu {

const Pointwise pointwise_avx2 = kPointwise;

}  // namespace halftone::cpu
