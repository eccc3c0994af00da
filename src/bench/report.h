#pragma once
#include <optional>
#include <string>

#include "bench/results.h"

namespace halftone {

/// One self-contained HTML page, no network and no scripts: advice, throughput and latency against batch, accuracy,
/// every measured point, the machine and how it was measured. Follows the reader's light or dark setting, and prints.
std::string html_report(const Results& results, std::optional<double> p99_limit_ms = {});

}  // namespace halftone
