#include "cpu/lanes_avx512.h"

#include "cpu/narrow_lanes.h"

namespace halftone::cpu {

const Narrow narrow_avx512 = kNarrow;

}  // namespace halftone::cpu
