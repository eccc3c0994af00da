#pragma once
#include <cstdint>
#include <string>

#include "bench/results.h"

namespace halftone {

/// Three significant digits: "0.0123", "1.23", "12.3", "123", "12,300".
std::string format_number(double value);

/// "81.1 %", one decimal.
std::string format_percent(double share);

/// "1.5 kB", "97.5 MB": powers of 1000.
std::string format_bytes(std::uint64_t bytes);

/// "int8 at batch 16", with threads and sessions where there is more than one session, and the engine where it is not
/// ours.
std::string describe(const Result& result);

/// "openvino, resnet50 bf16 at batch 8: why".
std::string describe(const Absent& absent);

}  // namespace halftone
