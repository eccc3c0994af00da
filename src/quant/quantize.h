#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "data/dataset.h"
#include "data/preprocess.h"
#include "graph/graph.h"
#include "passes/pass.h"
#include "quant/histogram.h"
#include "quant/product.h"

namespace halftone {

struct QuantizeOptions {
  std::optional<Calibrator> calibrator;  ///< none: default_calibrator(symmetric)
  double percentile = 99.99;
  bool symmetric = false;   ///< i8 activations with zero point 0 (what GPUs want) instead of u8
  bool fp8 = false;         ///< activations and weights in f8e4m3; ranges are what was seen, biases stay in float
  int batch = 8;            ///< images a calibration step
  bool fit_weights = true;  ///< with fp8: round weights so that their errors take off each other, not to the nearest
  bool raise_noisy = true;  ///< with fp8: measure which products to leave in 16 bits beside those that always are
  bool move_padded = true;  ///< with fp8: move zero where convolutions pad, too, which then stay in 8 bits for good
  bool equalize = true;     ///< cross-layer, where it is expected to help
  bool correct_bias = true;
  int threads = 0;
  bool skip_unreadable = false;
  /// Called with what is being done: (stage, done, total).
  std::function<void(const std::string& stage, std::size_t done, std::size_t total)> progress;
};

/// What lost least on the models of docs/quantization.md: entropy for u8, mse for i8 with zero point 0, which has half
/// the levels where nothing is negative.
Calibrator default_calibrator(bool symmetric);

/// What a quantised tensor got.
struct QuantizedTensor {
  std::string name;
  Range seen;  ///< smallest and largest value of the calibration images
  Range chosen;
};

/// A float model and what calibration learnt of it: enough to quantise it whole or in part.
struct CalibratedModel {
  Graph graph;  ///< simplified and equalised, in FP8 recentred too, every node with a name of its own
  bool symmetric = false;
  bool fp8 = false;
  Precision lowest() const { return fp8 ? Precision::fp8 : Precision::int8; }  ///< what products are quantised to
  std::set<std::string> sixteen_bit;  ///< products that an FP8 plan leaves in fp16, or bf16 where that lacks range
  std::map<ValueId, Range> ranges;
  /// By product, as an FP8 plan stores them; those of others are rounded to the nearest.
  std::map<std::string, QuantizedWeights> weights;
  /// By product, what quantising its input and weights adds to each output channel on average.
  std::map<std::string, std::vector<float>> bias_errors;
  std::vector<QuantizedTensor> tensors;
  std::size_t images = 0;
  std::size_t equalized = 0;  ///< tensors whose channels were rescaled
  std::size_t recentred = 0;  ///< groups of tensors whose zero was moved
  std::vector<std::string> skipped;
  std::vector<std::string> warnings;
  double seconds = 0;
};

struct QuantizedModel {
  Graph graph;  ///< plain ONNX operators with QuantizeLinear and DequantizeLinear, batch symbolic as in the source
  std::size_t products = 0;  ///< Conv, Gemm and MatMul nodes that run on 8-bit data
};

/// Runs the images through the FP32 engine and chooses every tensor's range; memory does not grow with their number.
/// Throws invalid_argument for a model that is quantised already, has nothing to quantise, or an empty set;
/// invalid_model when weights or activations are not finite, naming the node.
CalibratedModel calibrate(const Graph& graph, const std::shared_ptr<Backend>& backend, const Dataset& images,
                          const Preprocess& preprocess, const QuantizeOptions& options = {});

/// Post-training quantisation: weights symmetric per channel in i8, activations per tensor in u8 with a zero point (or
/// symmetric i8), biases in i32 at the product's scale (floats where it runs into an Add), on scales that leave nothing
/// to the last bit of a float (quant/lattice.h); or all in f8e4m3 with float biases; all but the products named in
/// `keep_float`, and in FP8 those of `sixteen_bit`, which are left in fp16 (bf16 where calibration saw
/// values over 4,096).
QuantizedModel quantize(const CalibratedModel& model, const std::set<std::string>& keep_float = {});
/// The same, all but the products named being left in FP32.
QuantizedModel quantize_all_but(const CalibratedModel& model, const std::set<std::string>& keep_float);

/// Which values of a simplified graph to quantise, in groups that must share one range (what MaxPool, Concat and
/// reshapes tie together). Each value of the graph is in at most one group.
std::vector<std::vector<ValueId>> values_to_quantize(const Graph& graph, const std::set<std::string>& keep_float = {});

/// Puts QuantizeLinear/DequantizeLinear after every value in `ranges` (keyed by value) and quantises the weights that
/// meet them, or takes them as they stand in `weights`. Products named in `keep_float` go on reading what was there
/// before rounding.
std::size_t insert_qdq(Graph& graph, const std::map<ValueId, Range>& ranges, bool symmetric,
                       const std::set<std::string>& keep_float = {}, bool fp8 = false,
                       const std::map<std::string, QuantizedWeights>& weights = {});

}  // namespace halftone
