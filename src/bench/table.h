#pragma once
#include <string>
#include <vector>

#include "bench/rows.h"

namespace halftone {

/// Aligned columns two blanks apart, numbers to the right, a line under the header. Where that is wider than `width`
/// columns (0: no limit), each row becomes lines of "header: cell" instead, with an empty line after it.
std::string text_table(const Rows& rows, int width = 0);

/// The measured points of a model, for the terminal.
std::string results_table(const Results& results, const std::string& model, int width = 0);

/// Accuracy by precision with 95 % intervals; empty where none was measured.
std::string accuracy_table(const Results& results, const std::string& model, int width = 0);

}  // namespace halftone
