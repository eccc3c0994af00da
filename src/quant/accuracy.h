#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/preprocess.h"
#include "engine/session_team.h"

namespace halftone {

struct EvalOptions {
  std::int64_t batch = 0;        ///< which of the engine's programs; 0: the largest
  int decode_threads = 0;        ///< 0: the engine's threads
  bool keep_scores = false;      ///< fill Evaluation::scores
  bool use_labels = true;        ///< false: the data set's labels are not looked at
  bool skip_unreadable = false;  ///< leave unreadable images out, counted, instead of failing
  std::function<void(std::size_t done, std::size_t total)> progress;
};

/// What a classifier answered on a data set.
struct Evaluation {
  std::int64_t images = 0;  ///< evaluated
  std::int64_t top1 = 0;    ///< right answers; 0 without labels
  std::int64_t top5 = 0;    ///< right answers among the best five; 0 with fewer than five classes
  std::int64_t classes = 0;
  bool labelled = false;
  std::vector<std::int32_t> predictions;  ///< best class of each data set item, -1 where it was skipped
  std::vector<float> scores;              ///< each item's scores, `classes` apiece, where they were asked for
  std::vector<std::string> skipped;       ///< why, one line an image left out
  std::int64_t not_finite = 0;            ///< images whose answer had a NaN or an infinity; counted as wrong
  double seconds = 0;                     ///< from the first image read to the last answer, decoding included
  double compute_seconds = 0;             ///< inside the engine
  /// Share of the items both evaluations answered whose best class is the same.
  double agreement(const Evaluation& other) const;
};

/// Runs every image through one of the engine's programs. The network has one input, of images, and its first output
/// holds a score a class. Throws invalid_argument when labels do not fit the classes or there are no images, and
/// invalid_model when none could be read.
Evaluation evaluate_accuracy(const std::shared_ptr<const Engine>& engine, const Dataset& dataset,
                             const Preprocess& preprocess, const EvalOptions& options = {});
/// The same with a batch in every session of a team at once.
Evaluation evaluate_accuracy(SessionTeam& team, const Dataset& dataset, const Preprocess& preprocess,
                             const EvalOptions& options = {});

/// Indices of the `count` largest scores, best first; ties go to the lower index.
std::vector<std::int32_t> best_classes(std::span<const float> scores, std::size_t count);

}  // namespace halftone
