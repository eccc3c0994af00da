#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "data/dataset.h"
#include "data/preprocess.h"
#include "graph/graph.h"
#include "quant/histogram.h"

namespace halftone {

struct QuantizeOptions {
  Calibrator calibrator = Calibrator::entropy;
  double percentile = 99.99;
  bool symmetric = false;  ///< i8 activations with zero point 0 (what GPUs want) instead of u8
  int batch = 8;           ///< images a calibration step
  int threads = 0;
  bool skip_unreadable = false;
  std::function<void(std::size_t done, std::size_t total)> progress;
};

/// What a quantised tensor got.
struct QuantizedTensor {
  std::string name;
  Range seen;  ///< smallest and largest value of the calibration images
  Range chosen;
};

struct QuantizedModel {
  Graph graph;  ///< plain ONNX operators with QuantizeLinear and DequantizeLinear, batch symbolic as in the source
  std::vector<QuantizedTensor> tensors;
  std::size_t images = 0;
  std::size_t convolutions = 0;  ///< Conv, Gemm and MatMul nodes that run on 8-bit data
  std::vector<std::string> skipped;
  std::vector<std::string> warnings;
  double seconds = 0;
};

/// Post-training quantisation: weights symmetric per channel in i8, activations per tensor in u8 with a zero point (or
/// symmetric i8), biases in i32 at the product's scale. Ranges come from running the images through the FP32 engine.
/// Throws invalid_argument for a model that is quantised already, has nothing to quantise, or an empty set;
/// invalid_model when activations are not finite, naming the tensor.
QuantizedModel quantize(const Graph& graph, std::shared_ptr<Backend> backend, const Dataset& images,
                        const Preprocess& preprocess, const QuantizeOptions& options = {});

/// Which values of a simplified graph to quantise, in groups that must share one range (what MaxPool, Concat and
/// reshapes tie together). Each value of the graph is in at most one group.
std::vector<std::vector<ValueId>> values_to_quantize(const Graph& graph);

/// Puts QuantizeLinear/DequantizeLinear after every value in `ranges` (keyed by value) and quantises the weights that
/// meet them.
std::size_t insert_qdq(Graph& graph, const std::map<ValueId, Range>& ranges, bool symmetric);

}  // namespace halftone
