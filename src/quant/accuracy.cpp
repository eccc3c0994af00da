#include "quant/accuracy.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/clock.h"
#include "base/interrupt.h"
#include "data/loader.h"

namespace halftone {

std::vector<std::int32_t> best_classes(std::span<const float> scores, std::size_t count) {
  std::vector<std::int32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](std::int32_t a, std::int32_t b) {
                      const float x = scores[static_cast<std::size_t>(a)], y = scores[static_cast<std::size_t>(b)];
                      return x != y ? x > y : a < b;
                    });
  order.resize(count);
  return order;
}

double Evaluation::agreement(const Evaluation& other) const {
  std::int64_t both = 0, same = 0;
  for (std::size_t i = 0; i < std::min(predictions.size(), other.predictions.size()); ++i) {
    if (predictions[i] < 0 || other.predictions[i] < 0) continue;
    ++both;
    same += predictions[i] == other.predictions[i];
  }
  return both == 0 ? 0 : static_cast<double>(same) / static_cast<double>(both);
}

Evaluation evaluate_accuracy(const std::shared_ptr<const Engine>& engine, const Dataset& dataset,
                             const Preprocess& preprocess, const EvalOptions& options) {
  SessionTeam alone(engine, 1);
  return evaluate_accuracy(alone, dataset, preprocess, options);
}

Evaluation evaluate_accuracy(SessionTeam& team, const Dataset& dataset, const Preprocess& preprocess,
                             const EvalOptions& options) {
  const Engine& engine = team.engine();
  const auto batch_size = options.batch > 0 ? options.batch : engine.batches().back();
  const Program& program = engine.program(batch_size);
  if (dataset.size() == 0) fail(Code::invalid_argument, "{}: no images to evaluate", dataset.path());
  if (program.inputs.size() != 1)
    fail(Code::unsupported, "evaluating images needs a model with one input, this one has {}", program.inputs.size());
  const Port& input = program.inputs.front();
  const auto wanted = TensorType{preprocess.dtype, preprocess.shape(batch_size)};
  if (input.type != wanted)
    fail(Code::invalid_argument, "the preprocessing gives {}, the model's input '{}' wants {}", wanted.text(),
         input.name, input.type.text());
  Evaluation result;
  result.classes = program.outputs.front().type.shape.count() / batch_size;
  result.labelled = options.use_labels && dataset.labelled();
  if (result.labelled) dataset.check_labels(result.classes);
  result.predictions.assign(dataset.size(), -1);
  if (options.keep_scores) result.scores.assign(dataset.size() * static_cast<std::size_t>(result.classes), 0);

  const double start = now_seconds();
  BatchLoader loader(dataset, preprocess,
                     {.batch = static_cast<int>(batch_size),
                      .threads = options.decode_threads > 0 ? options.decode_threads : engine.threads() * team.size(),
                      .prefetch = 1 + team.size(),
                      .skip_unreadable = options.skip_unreadable});
  const auto judge = [&](const Batch& batch, const Tensor& output) {
    const auto classes = static_cast<std::size_t>(result.classes);
    const Tensor scores = output.dtype() == DType::f32 ? output : output.to(DType::f32);
    for (std::size_t i = 0; i < static_cast<std::size_t>(batch.count); ++i) {
      const auto row = scores.data<float>().subspan(i * classes, classes);
      ++result.images;
      if (options.keep_scores)
        std::copy(row.begin(), row.end(),
                  result.scores.begin() + static_cast<std::ptrdiff_t>(batch.indices[i] * classes));
      if (!std::all_of(row.begin(), row.end(), [](float score) { return std::isfinite(score); })) {
        ++result.not_finite;
        result.predictions[batch.indices[i]] = 0;
        continue;
      }
      const auto best = best_classes(row, 5);
      result.predictions[batch.indices[i]] = best.front();
      if (!result.labelled) continue;
      const auto label = static_cast<std::int32_t>(batch.labels[i]);
      result.top1 += best.front() == label;
      if (classes >= 5) result.top5 += std::find(best.begin(), best.end(), label) != best.end();
    }
  };
  std::vector<Batch> batches;
  std::vector<Tensor> outputs(static_cast<std::size_t>(team.size()));
  for (bool more = true; more;) {
    check_interrupted();
    batches.clear();
    while (more && batches.size() < outputs.size()) {
      auto batch = loader.next();
      more = batch.has_value();
      if (more) batches.push_back(std::move(*batch));
    }
    if (batches.empty()) break;
    const double before = now_seconds();
    team.run([&](Session& session, int index) {
      const auto at = static_cast<std::size_t>(index);
      if (at < batches.size()) outputs[at] = session.run(std::span<const Tensor>(&batches[at].images, 1)).front();
    });
    result.compute_seconds += now_seconds() - before;
    for (std::size_t i = 0; i < batches.size(); ++i) judge(batches[i], outputs[i]);
    if (options.progress)
      options.progress(static_cast<std::size_t>(result.images) + loader.skipped().size(), dataset.size());
  }
  for (const auto& item : loader.skipped()) result.skipped.push_back(item.reason);
  if (result.images == 0)
    fail(Code::invalid_model, "{}: none of the images could be read, as {}", dataset.path(), result.skipped.front());
  result.seconds = now_seconds() - start;
  return result;
}

}  // namespace halftone
