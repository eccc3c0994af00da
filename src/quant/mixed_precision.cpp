#include "quant/mixed_precision.h"

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/interrupt.h"
#include "engine/measure.h"
#include "quant/precision_chain.h"
#include "quant/product.h"

namespace halftone {
namespace {

class Search {
 public:
  Search(const CalibratedModel& model, const std::shared_ptr<Backend>& backend, const Dataset& data,
         const Dataset& unlabelled, const Preprocess& preprocess, const MixOptions& options)
      : model_(model),
        backend_(backend),
        data_(data),
        unlabelled_(unlabelled),
        preprocess_(preprocess),
        options_(options) {}

  MixedModel run() {
    const double start = now_seconds();
    result_.precisions = options_.precisions;
    for (const auto& node : model_.graph.nodes)
      if (is_product(model_.graph, node)) result_.layers.push_back({node.name, node.op, {}, {}, Precision::fp32});
    time_layers();
    measure_layers();
    chain_ = precision_chain(result_.layers, options_.precisions, fastest());
    report("evaluate fp32", 0, 1);
    result_.baseline = evaluate(engine_of(mixed_graph(model_, {}), false, ""));
    report("evaluate fp32", 1, 1);
    if (!look(0, true).held) settle(bisect());
    time_in_turns();
    result_.seconds = now_seconds() - start;
    return std::move(result_);
  }

 private:
  bool allowed(Precision precision) const {
    return std::find(options_.precisions.begin(), options_.precisions.end(), precision) != options_.precisions.end();
  }

  static bool is_fp32(const PrecisionMap& mix) {
    return std::all_of(mix.begin(), mix.end(), [](const auto& item) { return item.second == Precision::fp32; });
  }

  PrecisionMap all_in(Precision precision) const {
    PrecisionMap all;
    for (const auto& layer : result_.layers) all[layer.name] = precision;
    return all;
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
    auto precisions = options_.precisions;
    if (!allowed(Precision::fp32)) precisions.push_back(Precision::fp32);  // to compare with
    std::reverse(precisions.begin(), precisions.end());
    for (const auto precision : precisions) {
      const auto stage = fmt::format("time {}", halftone::name(precision));
      const auto engine = engine_of(mixed_graph(model_, all_in(precision)), true, stage);
      const auto seconds = layer_seconds(engine, batch());
      if (precision == Precision::fp32) result_.fp32_seconds = total_seconds(engine);
      if (precision == result_.lowest()) result_.lowest_seconds = total_seconds(engine);
      for (auto& layer : result_.layers)
        if (const auto found = seconds.find(layer.name); found != seconds.end())
          layer.seconds[precision] = found->second;
    }
  }

  void measure_layers() {
    SensitivityOptions options;
    options.build = options_.build;
    options.skip_unreadable = options_.skip_unreadable;
    for (const auto precision : options_.precisions)
      if (precision != Precision::fp32) options.precisions.push_back(precision);
    options.progress = [&](std::size_t done, std::size_t total) { report("measure sensitivity", done, total); };
    measure_sensitivity(model_, backend_, unlabelled_.evenly_spaced(options_.sensitivity_images), preprocess_, options,
                        result_.layers);
  }

  PrecisionMap fastest() {
    auto mix = fastest_precisions(result_.layers, options_.precisions);
    const auto plain = all_in(options_.precisions.front());
    if (mix == plain) return mix;
    // What lies between layers of unlike precisions takes time too, and may eat up what single layers win.
    const auto time = [&](const auto& precisions) {
      return total_seconds(engine_of(mixed_graph(model_, precisions), true, "time the fastest mix"));
    };
    return time(mix) < time(plain) ? mix : plain;
  }

  Evaluation evaluate(const std::shared_ptr<const Engine>& engine) {
    EvalOptions options;
    options.skip_unreadable = options_.skip_unreadable;
    return evaluate_accuracy(engine, data_, preprocess_, options);
  }

  /// Evaluates a mix on all of the data. A tuned one that holds is the plan.
  const Mix& look(std::size_t index, bool tuned) {
    check_interrupted();
    const auto& precisions = chain_[index];
    Mix mix;
    mix.noise = noise_of(result_.layers, precisions);
    for (const auto precision : options_.precisions) mix.layers[precision] = 0;
    for (const auto& [name, precision] : precisions) ++mix.layers[precision];
    Graph graph = mixed_graph(model_, precisions);
    const auto stage = fmt::format("evaluate mix {}", result_.tried.size() + 1);
    report(stage, 0, 1);
    const auto engine = engine_of(graph, tuned, "tune the plan");
    auto evaluation = is_fp32(precisions) && !tuned ? result_.baseline : evaluate(engine);
    mix.drop = paired_drop(result_.baseline, evaluation, data_);
    mix.drop.same_model = is_fp32(precisions);
    mix.confidence = mix.drop.confidence(options_.max_drop);
    mix.held = mix.drop.points() <= options_.max_drop && mix.confidence >= options_.confidence;
    if (tuned) mix.seconds = total_seconds(engine);
    report(stage, 1, 1);
    if (looked_at_.insert(index).second && !mix.drop.same_model) ++result_.looks;
    result_.tried.push_back(mix);
    if (tuned && mix.held) {
      result_.graph = std::move(graph);
      result_.engine = engine;
      result_.evaluation = std::move(evaluation);
      for (auto& layer : result_.layers) layer.chosen = precisions.at(layer.name);
    }
    return result_.tried.back();
  }

  /// The place of a mix that holds behind one that does not; the chain's end is taken to hold.
  std::size_t bisect() {
    std::size_t low = 0, high = std::max<std::size_t>(chain_.size() - 1, 1);
    while (high > low + 1) {
      const std::size_t middle = low + (high - low) / 2;
      (look(middle, false).held ? high : low) = middle;
    }
    return high;
  }

  /// Evaluates the plan as it will run, tuned; where that no longer holds, the next quieter one.
  void settle(std::size_t index) {
    for (; index < chain_.size(); ++index) {
      const Mix& mix = look(index, true);
      const bool slower = result_.fp32_seconds > 0 && mix.seconds > result_.fp32_seconds && is_fp32(chain_.back());
      if (slower && index + 1 < chain_.size()) index = chain_.size() - 2;  // FP32 throughout is next
      else if (mix.held) return;
    }
    fail_with_nearest();
  }

  [[noreturn]] void fail_with_nearest() const {
    const Mix* nearest = &result_.tried.front();
    for (const auto& mix : result_.tried) {
      const bool better = mix.confidence != nearest->confidence ? mix.confidence > nearest->confidence
                                                                : mix.drop.points() < nearest->drop.points();
      if (better) nearest = &mix;
    }
    fail(
        Code::unsupported,
        "no mix of precisions loses at most {:.2f} points of top-1 with {:.0f} % confidence on {} images: the nearest, "
        "with {}, loses {:.2f} points ({:.0f} % confidence)",
        options_.max_drop, 100 * options_.confidence, nearest->drop.images, nearest->text(), nearest->drop.points(),
        100 * nearest->confidence);
  }

  /// Runs the plan, FP32 and the lowest precision throughout in turns.
  void time_in_turns() {
    constexpr int kTurns = 9;
    struct Runner {
      double* result;
      std::unique_ptr<SessionTeam> team;
      TimedRuns runs;
      std::vector<double> milliseconds;
    };
    std::vector<Runner> runners;
    const auto add = [&](double* result, const std::shared_ptr<const Engine>& engine) {
      auto team = std::make_unique<SessionTeam>(engine, 1);
      auto runs = random_runs(*team, batch());
      runners.push_back({result, std::move(team), std::move(runs), {}});
    };
    add(&result_.plan_run, result_.engine);
    add(&result_.fp32_run, engine_of(mixed_graph(model_, {}), false, ""));
    add(&result_.lowest_run, engine_of(mixed_graph(model_, all_in(result_.lowest())), false, ""));
    for (int turn = 0; turn < kTurns; ++turn)
      for (auto& runner : runners) {
        if (turn == 0) runner.runs(1, runner.milliseconds);  // the first run warms up
        if (turn == 0) runner.milliseconds.clear();
        runner.runs(1, runner.milliseconds);
      }
    for (auto& runner : runners) {
      auto& times = runner.milliseconds;
      std::nth_element(times.begin(), times.begin() + kTurns / 2, times.end());
      *runner.result = times[kTurns / 2] / 1000;
    }
  }

  const CalibratedModel& model_;
  const std::shared_ptr<Backend>& backend_;
  const Dataset& data_;
  const Dataset& unlabelled_;
  const Preprocess& preprocess_;
  const MixOptions& options_;
  MixedModel result_;
  std::vector<PrecisionMap> chain_;  ///< from the fastest to the quietest
  std::set<std::size_t> looked_at_;  ///< places in the chain
};

}  // namespace

std::string Mix::text() const {
  std::string text;
  std::size_t left = layers.size();
  for (auto item = layers.rbegin(); item != layers.rend(); ++item)
    text += fmt::format("{}{} in {}{}", item->second, text.empty() ? " layers" : "", name(item->first),
                        --left > 1  ? ", "
                        : left == 1 ? " and "
                                    : "");
  return text;
}

double MixedModel::surely() const {
  return chosen().drop.same_model ? chosen().confidence
                                  : std::max(0.0, 1 - static_cast<double>(looks) * (1 - chosen().confidence));
}

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
                             const Dataset& unlabelled, const Preprocess& preprocess, const MixOptions& options) {
  if (!data.labelled())
    fail(Code::invalid_argument, "{}: choosing precisions by accuracy needs labelled images", data.path());
  return Search(model, backend, data, unlabelled, preprocess, options).run();
}

}  // namespace halftone
