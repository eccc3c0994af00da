#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "quant/paired.h"
#include "quant/sensitivity.h"

namespace halftone {

struct MixOptions {
  double max_drop = 1;      ///< points of top-1
  double confidence = 0.9;  ///< that it holds on images like those measured; see PairedDrop and MixedModel::surely
  std::size_t sensitivity_images = 64;                                  ///< of the unlabelled ones
  std::vector<Precision> precisions{Precision::int8, Precision::fp32};  ///< to choose from, see choose_precisions
  BuildOptions build;  ///< one batch size: the one whose time counts; layers are timed by the tuner
  bool skip_unreadable = false;
  /// Called with what is being done: (stage, done, total).
  std::function<void(const std::string& stage, std::size_t done, std::size_t total)> progress;
};

/// One mix that was evaluated.
struct Mix {
  std::map<Precision, std::size_t> layers;  ///< how many run in each of the precisions to choose from
  double noise = 0;                         ///< of its layers, each lowered alone, added up
  PairedDrop drop;
  double confidence = 0;     ///< that it loses at most max_drop, as if it had been the only one looked at
  bool held = false;         ///< it met the limit
  double seconds = 0;        ///< a batch: the sum of its kernels' measured times; 0 where not all were tuned
  std::string text() const;  ///< "17 layers in int8, 3 in bf16 and 1 in fp32"
};

struct MixedModel {
  Graph graph;
  std::shared_ptr<const Engine> engine;
  std::vector<Layer> layers;  ///< in the network's order, with what was chosen
  std::vector<Mix> tried;     ///< in the order of evaluation; the last one is the plan
  Evaluation baseline, evaluation;
  std::vector<Precision> precisions;            ///< that there were to choose from, the lowest first
  double fp32_seconds = 0, lowest_seconds = 0;  ///< as Mix::seconds, of the whole network in one precision
  /// A batch from end to end: medians of runs that took turns.
  double plan_run = 0, fp32_run = 0, lowest_run = 0;
  std::size_t looks = 0;  ///< different mixes, FP32 apart, that the labelled images were asked about
  double seconds = 0;     ///< the search took
  const Mix& chosen() const { return tried.back(); }
  Precision lowest() const { return precisions.front(); }
  /// The plan's confidence with every look counted: what could have gone wrong at each adds up (Bonferroni).
  double surely() const;
};

/// The fastest mix found, of the model's 8-bit type, one of 16 bits and FP32 (`precisions`, the lowest first), whose
/// top-1 drop on the labelled `data` is at most max_drop with the wanted confidence. What each layer costs is measured
/// on `unlabelled` images and gives a chain of mixes (precision_chain) before a label is looked at, so that few looks
/// are enough: at the fastest mix, and where that does not hold, by bisection of the chain. The same images and the
/// same tactic cache give the same plan. Throws unsupported, with the nearest mix, where none holds.
MixedModel choose_precisions(const CalibratedModel& model, const std::shared_ptr<Backend>& backend, const Dataset& data,
                             const Dataset& unlabelled, const Preprocess& preprocess, const MixOptions& options);

/// How `b` differs from `a` on labelled images.
PairedDrop paired_drop(const Evaluation& a, const Evaluation& b, const Dataset& data);

/// Seconds of one batch by layer (the fused kernel named after the product) as the tuner measured them; 0 for kernels
/// that were not raced.
std::map<std::string, double> layer_seconds(const std::shared_ptr<const Engine>& engine, std::int64_t batch);

}  // namespace halftone
