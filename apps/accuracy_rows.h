#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/common.h"
#include "bench/results.h"
#include "data/dataset.h"
#include "quant/accuracy.h"
#include "quant/quantize.h"

namespace halftone {

/// One precision of a model, ready to build: the source graph, or its quantised form for int8.
struct Variant {
  Precision precision;
  Graph graph;
};

/// "minmax", "percentile", "entropy" or "mse"; none for an empty text. Throws invalid_argument.
std::optional<Calibrator> calibrator_from(const std::string& method);
/// How the ranges of a quantised graph were chosen.
std::string calibrator_of(const Graph& graph);
/// Adds --method for calibrator_from().
void add_method(CLI::App& verb, std::string& method);

/// What to calibrate an int8 variant with.
struct Calibration {
  std::string path;
  QuantizeOptions options;
};

/// The variants of a model. int8 is made by calibrating where the model is in float (needs `calibration.path`), and is
/// the model itself where it is quantised already. Prints what calibration took to stderr unless quiet.
std::vector<Variant> make_variants(const Graph& graph, const std::vector<Precision>& precisions,
                                   const std::shared_ptr<Backend>& backend, const Preprocess& preprocess,
                                   Calibration calibration, bool quiet);

/// Throws invalid_argument, before anything is built, when the labels do not fit the classes of the model's first
/// output.
void check_labels(const Graph& graph, const Dataset& dataset);

/// An evaluation as the results file holds it; `baseline` is FP32's, or null.
Accuracy accuracy_of(const Evaluation& evaluation, const Evaluation* baseline, const Dataset& dataset);

/// The machine as the results file describes it. Peaks are measured when `with_peaks`.
Machine describe_machine(Backend& backend, int threads, bool with_peaks);

/// Now, in UTC, ISO 8601.
std::string utc_now();

/// This process's command line, folders left out of file names: what a reader elsewhere would type.
std::string command_line();

}  // namespace halftone
