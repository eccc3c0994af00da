#pragma once
#include <memory>
#include <optional>
#include <span>

#include "data/loader.h"
#include "engine/session.h"
#include "quant/quantize.h"

namespace halftone {

/// The calibration images through an untuned FP32 engine of a graph, a batch of `options.batch` at a time.
class ImageRun {
 public:
  ImageRun(const Graph& graph, const std::shared_ptr<Backend>& backend, const Dataset& images,
           const Preprocess& preprocess, const QuantizeOptions& options);

  /// Runs the next batch; false at the end. Throws what the loader does, and cancelled.
  bool next();
  /// The batch just run; its last rows may hold no images.
  const Batch& batch() const { return *batch_; }
  std::size_t images() const { return static_cast<std::size_t>(batch_->count); }  ///< of this batch
  std::span<const Tensor> outputs() const { return outputs_; }                    ///< of this batch, valid until next()
  const auto& skipped() const { return loader_.skipped(); }

 private:
  std::shared_ptr<const Engine> engine_;
  Session session_;
  BatchLoader loader_;
  std::optional<Batch> batch_;
  std::span<const Tensor> outputs_;
};

}  // namespace halftone
