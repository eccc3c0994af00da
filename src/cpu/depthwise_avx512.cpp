#include "cpu/lanes_avx512.h"

#include "cpu/depthwise_lanes.h"

namespace halftone::cpu {

const Depthwise depthwise_avx512 = depthwise;

}  // namespace halftone::cpu
