#include "cpu/lanes_avx2.h"

#include "cpu/narrow_lanes.h"

namespace halftone::cpu {

const Narrow narrow_avx2 = kNarrow;

}  // namespace halftone::cpu
