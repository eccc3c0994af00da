#pragma once
#include <optional>
#include <string>

#include "bench/compare.h"
#include "bench/slo.h"

namespace halftone {

/// One self-contained HTML page, no network: advice, throughput and latency against batch, accuracy beside speed, other
/// engines and other devices, where the time goes, every measured point, the machines and how it was measured. A small
/// script sorts its tables and makes its legends switch lines off; without it the page is whole. Follows the reader's
/// light or dark setting, and prints.
std::string html_report(const Study& study, const std::optional<Slo>& slo = {});

/// The parts about one model.
std::string model_section(const Study& study, const std::string& model, const std::optional<Slo>& slo);

}  // namespace halftone
