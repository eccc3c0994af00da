#include "quant/image_run.h"

#include "base/interrupt.h"

namespace halftone {
namespace {

BuildOptions untuned(const QuantizeOptions& options) {
  BuildOptions build;
  build.batches = {options.batch};
  build.threads = options.threads;
  build.tune = false;
  return build;
}

}  // namespace

ImageRun::ImageRun(const Graph& graph, const std::shared_ptr<Backend>& backend, const Dataset& images,
                   const Preprocess& preprocess, const QuantizeOptions& options)
    : engine_(build(graph, backend, untuned(options))),
      session_(engine_),
      loader_(images, preprocess,
              {.batch = options.batch, .threads = engine_->threads(), .skip_unreadable = options.skip_unreadable}) {}

bool ImageRun::next() {
  batch_ = loader_.next();
  if (!batch_) return false;
  check_interrupted();
  outputs_ = session_.run(std::span<const Tensor>(&batch_->images, 1));
  return true;
}

}  // namespace halftone
