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
  double confidence = 0.9;  ///< that it holds on images like those measured; see PairedDrop
  std::size_t sensitivity_images = 64;
  std::vector<Precision> precisions{Precision::int8, Precision::fp32};  ///< to choose from, the lowest first
  BuildOptions build;  ///< one batch size: the one whose time counts; layers are timed by the tuner
  bool skip_unreadable = false;
  /// Called with what is being done: (stage, done, total).
  std::function<void(const std::string& stage, std::size_t done, std::size_t total)> progress;
};

/// One mix that was evaluated.
struct Mix {
  std::size_t raised = 0;                    ///< steps up from the fastest mix
  std::size_t int8 = 0, bf16 = 0, fp32 = 0;  ///< layers in each
  PairedDrop drop;
  double confidence = 0;  ///< that it loses at most max_drop
  double seconds = 0;     ///< a batch: the sum of its kernels' measured times; 0 where not all were tuned
};

struct MixedModel {
  Graph graph;
  std::shared_ptr<const Engine> engine;
  std::vector<Layer> layers;  ///< in the network's order, with what was chosen
  std::vector<Mix> tried;     ///< in the order of evaluation; the last one is the plan
  Evaluation baseline, evaluation;
  double fp32_seconds = 0, int8_seconds = 0;  ///< a batch, of the whole network in one precision; 0 where not built
  double seconds = 0;                         ///< the search took
  const Mix& chosen() const { return tried.back(); }
};

/// The fastest mix found whose top-1 drop on the labelled `data` is at most max_drop with the wanted confidence. Every
/// layer starts in its fastest precision; layers are raised in the order of noise taken off the outputs per second
/// lost, and the fewest steps that meet the limit are found by bisection, each mix measured on all of `data`. The same
/// data and the same tactic cache give the same plan. Throws unsupported, with the nearest mix, where none meets it.
MixedModel choose_precisions(const CalibratedModel& model, const std::shared_ptr<Backend>& backend, const Dataset& data,
                             const Preprocess& preprocess, const MixOptions& options);

/// How `b` differs from `a` on labelled images.
PairedDrop paired_drop(const Evaluation& a, const Evaluation& b, const Dataset& data);

/// Seconds of one batch by layer (the fused kernel named after the product) as the tuner measured them; 0 for kernels
/// that were not raced.
std::map<std::string, double> layer_seconds(const std::shared_ptr<const Engine>& engine, std::int64_t batch);

}  // namespace halftone
