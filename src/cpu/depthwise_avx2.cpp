#include "cpu/lanes_avx2.h"

#include "cpu/depthwise_lanes.h"

namespace halftone::cpu {

const Depthwise depthwise_avx2 = depthwise;

}  // namespace halftone::cpu
