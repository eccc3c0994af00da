#pragma once
#include <string>

#include "apps/accuracy_rows.h"
#include "quant/mixed_precision.h"

namespace halftone {

/// Flags of `quantize --precision auto`.
struct AutoFlags {
  std::string data, among, report, json;
  double max_drop = 1;
  double confidence = 0.9;
  std::int64_t batch = 8;
  std::size_t sensitivity_images = 64;
  std::size_t limit = 0;

  void add_to(CLI::App& verb);
};

/// The labelled images. Throws invalid_argument where flags or images do not fit the model, unsupported where the
/// device has no products of the `lowest` precision.
Dataset auto_data(const AutoFlags& flags, Precision lowest, const Backend& backend, const Graph& graph);

/// Chooses each layer's precision (see choose_precisions), prints the table, writes page and JSON where they were asked
/// for.
MixedModel choose_and_report(const CalibratedModel& model, const std::string& name, const Dataset& data,
                             const Dataset& unlabelled, const Preprocess& preprocess, const AutoFlags& flags,
                             const EngineFlags& engine, const std::shared_ptr<Backend>& backend, bool skip_unreadable);

}  // namespace halftone
