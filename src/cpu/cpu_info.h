#pragma once
#include <string_view>
#include <vector>

#include "backend/backend.h"

namespace halftone::cpu {

/// Instruction sets in rising order; each holds the ones before it.
enum class Isa { avx2, avx512, amx };

/// What this CPU, its operating system and `cap` allow. Asks the kernel for the AMX state where that is allowed.
/// Feature "avx512" stands for x86-64-v4 with VNNI, which is what our AVX-512 files are compiled for.
DeviceInfo detect(Isa cap);

/// One logical CPU of each physical core that this thread may use, ascending.
std::vector<int> allowed_cores();

/// HALFTONE_ISA as an Isa (amx where unset).
Isa isa_cap();

}  // namespace halftone::cpu
