#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace halftone {

/// One layer of a network of mixed precisions.
struct LayerLine {
  std::string layer, op;
  std::string chosen;        ///< its precision: "int8", "bf16", "fp32", …
  double snr = 0;            ///< dB at the outputs with this layer alone in the lowest precision
  double noise_share = 0;    ///< of the noise of all layers lowered one at a time, 0 … 1
  double points = 0;         ///< probability of FP32's answer that costs, in points
  std::int64_t changed = 0;  ///< images it gives another answer
  /// Precision and time, the same precisions in the same order for all layers, the lowest last; none where not
  /// measured.
  std::vector<std::pair<std::string, std::optional<double>>> times_ms;
  double saved_ms = 0;  ///< FP32's time less the lowest precision's
};

struct LayerPage {
  std::string title;
  std::vector<std::string> sentences;           ///< what was asked for, what came out
  std::vector<LayerLine> layers;                ///< in the network's order
  std::vector<std::vector<std::string>> tried;  ///< rows of the mixes evaluated, the first is the header
};

/// The rows of the layers' table, the first is the header.
std::vector<std::vector<std::string>> layer_rows(const std::vector<LayerLine>& layers);

/// One <svg>: a line a layer with two bars, the accuracy it costs and the time it buys, in the colour of its precision.
std::string layer_chart(const std::vector<LayerLine>& layers);

/// A self-contained HTML page, no network and no scripts, with the sentences, the chart and both tables.
std::string html_page(const LayerPage& page);

}  // namespace halftone
