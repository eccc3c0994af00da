#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "quant/accuracy.h"
#include "quant/quantize.h"

namespace halftone {

/// What one layer alone in a lower precision does to the outputs of the network in FP32.
struct LayerCost {
  double noise = 0;          ///< sum (y - y32)^2 / sum y32^2 over the images
  double points = 0;         ///< probability of FP32's answer lost, in points, averaged over the images
  std::int64_t changed = 0;  ///< images whose best class is another
  double snr() const;        ///< of the noise, in dB
};

/// A product and what each precision costs and takes.
struct Layer {
  std::string name;  ///< the node's
  std::string op;
  std::map<Precision, LayerCost> cost;  ///< FP32's is 0
  std::map<Precision, double> seconds;  ///< of its fused kernel at the batch in question
  Precision chosen = Precision::fp32;
};

/// The model with every product in the precision given: the model's 8-bit one, bf16 or fp16 (one of the two), or fp32,
/// which is that of those not named. Other nodes follow what surrounds them.
Graph mixed_graph(const CalibratedModel& model, const std::map<std::string, Precision>& precisions);

struct SensitivityOptions {
  std::vector<Precision> precisions;  ///< below FP32
  BuildOptions build;                 ///< cached tactics are used, nothing is tuned
  bool skip_unreadable = false;
  std::function<void(std::size_t done, std::size_t total)> progress;
};

/// Runs the images once for each product and precision, with that one alone lowered. `layers` holds the products.
void measure_sensitivity(const CalibratedModel& model, const std::shared_ptr<Backend>& backend, const Dataset& images,
                         const Preprocess& preprocess, const SensitivityOptions& options, std::vector<Layer>& layers);

/// Compares scores with those of FP32 on the same images. Looks at no labels.
LayerCost compare_scores(const Evaluation& lowered, const Evaluation& baseline);

}  // namespace halftone
