#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "data/dataset.h"
#include "data/preprocess.h"
#include "graph/graph.h"

namespace halftone {

struct DiffOptions {
  std::array<Precision, 2> precision{Precision::fp32, Precision::fp32};  ///< for what each graph leaves in float
  int batch = 8;
  int threads = 0;
  double snr_limit = 10;  ///< dB; below it a tensor counts as wrong
  bool skip_unreadable = false;
  std::function<void(std::size_t done, std::size_t total)> progress;
};

/// One tensor of both models over all images; a is the first model's.
struct TensorDiff {
  std::string name;
  std::string op;               ///< what makes it in the first model; "input" for a graph input
  double snr = 0;               ///< 10 log10(sum a^2 / sum (a - b)^2) in dB; +infinity where they are equal
  double relative_error = 0;    ///< |a - b| / |a|, Euclidean norms
  double largest_error = 0;     ///< the largest |a - b|
  double fall = 0;              ///< dB lost since the worst of the tensors it is made from
  std::int64_t not_finite = 0;  ///< values that are NaN or infinite in one model and not in the other
};

struct ModelDiff {
  std::vector<TensorDiff> tensors;  ///< in the first model's order; the last ones are the outputs
  std::size_t images = 0;
  std::int64_t agree = 0;     ///< images with the same best class
  std::size_t unmatched = 0;  ///< layers of the first model that the second has no tensor of that name and shape for
  std::optional<std::size_t> first_wrong;   ///< the first tensor below the limit or with values that are not finite
  std::optional<std::size_t> largest_fall;  ///< where most dB are lost in one step
  std::vector<std::string> skipped;
};

/// Runs both models on the same images and compares the ends of layers that have one name in both, as their readers see
/// them: after rounding where a model quantises. A layer is an operator with the additions and activations that follow
/// it. Throws invalid_argument when the models take different inputs or have no tensor in common.
ModelDiff diff_models(const Graph& a, const Graph& b, const std::shared_ptr<Backend>& backend, const Dataset& images,
                      const Preprocess& preprocess, const DiffOptions& options = {});

}  // namespace halftone
