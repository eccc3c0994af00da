#pragma once
#include <string>
#include <vector>

#include "bench/results.h"

namespace halftone {

/// Rows of equal length; the first is the header.
using Rows = std::vector<std::vector<std::string>>;

/// Every measured point of a model, sweep by sweep, with its speed beside FP32's and beside the first device's at the
/// same batch. Columns that would say nothing are left out.
Rows result_rows(const Results& results, const std::string& model);

/// Accuracy by engine, device and precision, with 95 % intervals.
Rows accuracy_rows(const Results& results, const std::string& model);

/// Our speed beside the other engines' on the same file, batch and device, and the ratio to the best of them. The
/// header alone where no other was measured.
Rows peer_rows(const Results& results, const std::string& model);

/// "ours over the best other engine: geometric mean over 6 cells 1.11 (1.05–1.17), smallest 0.90", of the ratios in
/// peer_rows(); the interval takes the cells' errors as independent: their logarithms' squares add up. Empty where
/// there are none.
std::string peer_summary(const Results& results, const std::string& model);

/// What memory batches that were not run would take, a row a sweep, with the error of the fit.
Rows memory_rows(const Results& results, const std::string& model);

/// Whether a cell is a figure, which stands on the right.
bool is_figure(const std::string& text);

/// "3.50 (3.43–3.57)", from 100 on "350 (343–357)"; "level" in front where the interval holds 1.
std::string ratio_text(const Ratio& ratio);

}  // namespace halftone
