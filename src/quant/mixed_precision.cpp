#include "quant/mixed_precision.h"

#include <algorithm>
#include <limits>
#include <set>

#include "base/clock.h"
#include "base/interrupt.h"
#include "engine/session.h"
#include "quant/product.h"

namespace halftone {
namespace {

/// A layer taken from one precision to a higher one.
struct Raise {
  std::size_t layer;
  Precision to;
  double worth;  // noise taken off the outputs per second lost
};

class Search {
 public:
  Search(const CalibratedModel& model, const std::shared_ptr<Backend>& backend, const Dataset& data,
         const Preprocess& preprocess, const MixOptions& options)
      : model_(model), backend_(backend), data_(data), preprocess_(preprocess), options_(options) {}

  MixedModel run() {
    const double start = now_seconds();
    for (const auto& node : model_.graph.nodes)
      if (is_product(model_.graph, node)) result_.layers.push_back({node.name, node.op, {}, {}, Precision::fp32});
    time_layers();
    lower_precisions();
    std::size_t low = 0, high = raises_.size();  // FP32 throughout, at the end, loses nothing
    if (high > 0 && meets(try_mix(0))) high = 0;
    while (high > low + 1) {
      const std::size_t middle = low + (high - low) / 2;
      (meets(try_mix(middle)) ? high : low) = middle;
    }
    settle(high);
    result_.seconds = now_seconds() - start;
    return std::move(result_);
  }

 private:
  bool allowed(Precision precision) const {
    return std::find(options_.precisions.begin(), options_.precisions.end(), precision) != options_.precisions.end();
  }

  void report(const std::string& stage, std::size_t done, std::size_t total) {
    if (options_.progress) options_.progress(stage, done, total);
  }

  std::shared_ptr<const Engine> engine_of(const Graph& graph, bool tune, const std::string& stage) {
    auto options = options_.build;
    options.tune = options.tune && tune;
    options.progress = [&](const BuildProgress& progress) {
      if (options.tune) report(stage, progress.done, progress.total);
    };
    return halftone::build(graph, backend_, options);
  }

  std::int64_t batch() const { return options_.build.batches.back(); }

  double total_seconds(const std::shared_ptr<const Engine>& engine) const {
    double total = 0;
    for (const auto& [name, seconds] : layer_seconds(engine, batch())) total += seconds;
    return total;
  }

  /// The whole network in each precision, tuned.
  void time_layers() {
    for (const auto precision : {Precision::fp32, Precision::bf16, Precision::int8}) {
      if (precision != Precision::fp32 && !allowed(precision)) continue;
      std::map<std::string, Precision> all;
      for (const auto& layer : result_.layers) all[layer.name] = precision;
      const auto engine = engine_of(mixed_graph(model_, all), true, fmt::format("time {}", halftone::name(precision)));
      const auto seconds = layer_seconds(engine, batch());
      if (precision == Precision::fp32) result_.fp32_seconds = total_seconds(engine);
      if (precision == Precision::int8) result_.int8_seconds = total_seconds(engine);
      for (auto& layer : result_.layers)
        if (const auto found = seconds.find(layer.name); found != seconds.end())
          layer.seconds[precision] = found->second;
    }
  }

  /// Sensitivities, every layer in its fastest precision, and the order in which layers are raised from there.
  void lower_precisions() {
    SensitivityOptions options;
    options.build = options_.build;
    for (const auto precision : {Precision::int8, Precision::bf16})
      if (allowed(precision)) options.precisions.push_back(precision);
    options.progress = [&](std::size_t done, std::size_t total) { report("measure sensitivity", done, total); };
    measure_sensitivity(model_, backend_, data_.evenly_spaced(options_.sensitivity_images), preprocess_, options,
                        result_.layers);
    start_from_fastest();
    for (std::size_t i = 0; i < result_.layers.size(); ++i) add_raises(i);
    std::stable_sort(raises_.begin(), raises_.end(), [](const Raise& a, const Raise& b) { return a.worth > b.worth; });
    report("evaluate fp32", 0, 1);
    result_.baseline = evaluate(engine_of(mixed_graph(model_, {}), false, ""));
    report("evaluate fp32", 1, 1);
  }

  double seconds(const Layer& layer, Precision precision) const {
    const auto found = layer.seconds.find(precision);
    return found == layer.seconds.end() ? 0 : found->second;
  }

  void start_from_fastest() {
    const auto lowest = options_.precisions.front();
    bool mixed = false;
    for (const auto& layer : result_.layers) {
      auto& fastest = fastest_[layer.name] = lowest;
      for (const auto precision : options_.precisions)
        if (seconds(layer, precision) < seconds(layer, fastest)) fastest = precision;
      mixed = mixed || fastest != lowest;
    }
    if (!mixed) return;
    // What lies between layers of unlike precisions takes time too, and may eat up what single layers win.
    std::map<std::string, Precision> plain;
    for (const auto& layer : result_.layers) plain[layer.name] = lowest;
    const auto time = [&](const auto& precisions) {
      return total_seconds(engine_of(mixed_graph(model_, precisions), true, "time the fastest mix"));
    };
    if (time(fastest_) >= time(plain)) fastest_ = plain;
  }

  /// The steps of one layer from its fastest precision up: each is less noisy than the one before.
  void add_raises(std::size_t index) {
    const auto& layer = result_.layers[index];
    const auto noise = [&](Precision p) { return p == Precision::fp32 ? 0.0 : layer.cost.at(p).noise; };
    auto ladder = options_.precisions;
    std::stable_sort(ladder.begin(), ladder.end(),
                     [&](Precision a, Precision b) { return seconds(layer, a) < seconds(layer, b); });
    auto at = fastest_.at(layer.name);
    double worth = std::numeric_limits<double>::max();
    for (const auto next : ladder) {
      if (noise(next) >= noise(at)) continue;
      const double lost = std::max(seconds(layer, next) - seconds(layer, at), 1e-9);
      worth = std::min(worth, (noise(at) - noise(next)) / lost);  // a layer's steps stay in order
      raises_.push_back({index, next, worth});
      at = next;
    }
  }

  std::map<std::string, Precision> mix_at(std::size_t raised) const {
    auto precisions = fastest_;
    for (std::size_t i = 0; i < raised; ++i) precisions[result_.layers[raises_[i].layer].name] = raises_[i].to;
    return precisions;
  }

  Evaluation evaluate(const std::shared_ptr<const Engine>& engine) {
    EvalOptions options;
    options.skip_unreadable = options_.skip_unreadable;
    return evaluate_accuracy(engine, data_, preprocess_, options);
  }

  const Mix& try_mix(std::size_t raised, bool last = false) {
    check_interrupted();
    const auto precisions = mix_at(raised);
    Mix mix;
    mix.raised = raised;
    for (const auto& [name, precision] : precisions)
      ++(precision == Precision::int8 ? mix.int8 : precision == Precision::bf16 ? mix.bf16 : mix.fp32);
    const bool plain = mix.fp32 == result_.layers.size();
    Graph graph = mixed_graph(model_, precisions);
    const auto stage = fmt::format("evaluate mix {}", result_.tried.size() + 1);
    report(stage, 0, 1);
    const auto engine = engine_of(graph, last, "tune the plan");
    auto evaluation = plain && !last ? result_.baseline : evaluate(engine);
    mix.drop = paired_drop(result_.baseline, evaluation, data_);
    mix.drop.same_model = plain;
    mix.confidence = mix.drop.confidence(options_.max_drop);
    if (last) mix.seconds = total_seconds(engine);
    report(stage, 1, 1);
    result_.tried.push_back(mix);
    if (last) {
      result_.graph = std::move(graph);
      result_.engine = engine;
      result_.evaluation = std::move(evaluation);
      for (auto& layer : result_.layers) layer.chosen = precisions.at(layer.name);
    }
    return result_.tried.back();
  }

  bool meets(const Mix& mix) const {
    return mix.drop.points() <= options_.max_drop && mix.confidence >= options_.confidence;
  }

  /// Evaluates the plan as it will run, tuned; where that no longer meets the limit, one step more is taken.
  void settle(std::size_t raised) {
    for (; raised <= raises_.size(); ++raised) {
      const Mix& mix = try_mix(raised, true);
      const bool slower = result_.fp32_seconds > 0 && mix.seconds > result_.fp32_seconds && allowed(Precision::fp32);
      if (slower && raised < raises_.size()) raised = raises_.size() - 1;  // FP32 throughout is next
      else if (meets(mix)) return;
    }
    const Mix* nearest = &result_.tried.front();
    for (const auto& mix : result_.tried) {
      const bool better = mix.confidence != nearest->confidence ? mix.confidence > nearest->confidence
                                                                : mix.drop.points() < nearest->drop.points();
      if (better) nearest = &mix;
    }
    fail(
        Code::unsupported,
        "no mix of precisions loses at most {:.2f} points of top-1 with {:.0f} % confidence on {} images: the nearest, "
        "with {} layers in int8, {} in bf16 and {} in fp32, loses {:.2f} points ({:.0f} % confidence)",
        options_.max_drop, 100 * options_.confidence, nearest->drop.images, nearest->int8, nearest->bf16, nearest->fp32,
        nearest->drop.points(), 100 * nearest->confidence);
  }

  const CalibratedModel& model_;
  const std::shared_ptr<Backend>& backend_;
  const Dataset& data_;
  const Preprocess& preprocess_;
  const MixOptions& options_;
  MixedModel result_;
  std::map<std::string, Precision> fastest_;
  std::vector<Raise> raises_;
};

}  // namespace

PairedDrop paired_drop(const Evaluation& a, const Evaluation& b, const Dataset& data) {
  PairedDrop drop;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto label = data.items()[i].label;
    if (a.predictions[i] < 0 || b.predictions[i] < 0 || !label) continue;
    ++drop.images;
    drop.lost += a.predictions[i] == *label && b.predictions[i] != *label;
    drop.gained += a.predictions[i] != *label && b.predictions[i] == *label;
  }
  return drop;
}

std::map<std::string, double> layer_seconds(const std::shared_ptr<const Engine>& engine, std::int64_t batch) {
  const Program& program = engine->program(batch);
  std::map<std::string, double> seconds;
  for (const auto& step : program.steps) seconds[step.node] += step.tactic.seconds;
  return seconds;
}

MixedModel choose_precisions(const CalibratedModel& model, const std::shared_ptr<Backend>& backend, const Dataset& data,
                             const Preprocess& preprocess, const MixOptions& options) {
  if (!data.labelled())
    fail(Code::invalid_argument, "{}: choosing precisions by accuracy needs labelled images", data.path());
  return Search(model, backend, data, preprocess, options).run();
}

}  // namespace halftone
