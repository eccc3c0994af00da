#pragma once
#include <memory>

#include "backend/backend.h"

namespace halftone {

/// The CPU this process runs on. What it may use is what CPUID and the operating system offer, capped by the
/// environment variable HALFTONE_ISA=avx2|avx512|amx (read at the first call; oneDNN is capped with it).
/// Throws unsupported on a CPU below x86-64-v3, invalid_argument where HALFTONE_ISA is none of the three.
std::shared_ptr<Backend> make_cpu_backend();

}  // namespace halftone
