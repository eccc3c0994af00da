#include "apps/auto_precision.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/progress.h"
#include "bench/format.h"
#include "bench/layer_page.h"
#include "bench/table.h"

namespace halftone {
namespace {

/// Those of --among, the lowest first.
std::vector<Precision> among(const AutoFlags& flags, Precision lowest) {
  const auto wanted = parse_precisions(flags.among);
  std::vector<Precision> result;
  for (const auto precision : {lowest, Precision::bf16, Precision::fp16, Precision::fp32})
    if (std::find(wanted.begin(), wanted.end(), precision) != wanted.end()) result.push_back(precision);
  const bool both = std::count(result.begin(), result.end(), Precision::bf16) +
                        std::count(result.begin(), result.end(), Precision::fp16) >
                    1;
  if (result.size() != wanted.size() || both)
    fail(Code::invalid_argument, "--among '{}': {}, bf16 or fp16, and fp32 can be mixed", flags.among, name(lowest));
  return result;
}

/// The precisions to choose from, the lowest first. 16-bit floats only where the device is faster with them.
std::vector<Precision> choices(const AutoFlags& flags, Precision lowest, Backend& backend, int threads) {
  if (!flags.among.empty()) return among(flags, lowest);
  const auto& flops = backend.peaks(threads == 0 ? backend.info().cores : threads).flops;
  const auto peak = [&](Precision precision) {
    const auto found = flops.find(precision);
    return found == flops.end() ? 0.0 : found->second;
  };
  std::vector<Precision> result{lowest};
  const bool float8 = lowest == Precision::fp8;  // beside whose noise BF16's is heard
  for (const auto half : {float8 ? Precision::fp16 : Precision::bf16, float8 ? Precision::bf16 : Precision::fp16})
    if (result.size() == 1 && peak(half) > peak(Precision::fp32)) result.push_back(half);
  result.push_back(Precision::fp32);
  return result;
}

std::vector<LayerLine> lines_of(const MixedModel& mixed) {
  const Precision lowest = mixed.lowest();
  double noise = 0;
  for (const auto& layer : mixed.layers)
    if (const auto found = layer.cost.find(lowest); found != layer.cost.end()) noise += found->second.noise;
  std::vector<LayerLine> lines;
  for (const auto& layer : mixed.layers) {
    LayerLine line{layer.name, layer.op, std::string(name(layer.chosen)), INFINITY, 0, 0, 0, {}, 0};
    if (const auto found = layer.cost.find(lowest); found != layer.cost.end()) {
      line.snr = found->second.snr();
      line.noise_share = noise > 0 ? found->second.noise / noise : 0;
      line.points = found->second.points;
      line.changed = found->second.changed;
    }
    const auto milliseconds = [&](Precision precision) -> std::optional<double> {
      const auto found = layer.seconds.find(precision);
      if (found == layer.seconds.end() || found->second == 0) return std::nullopt;
      return 1e3 * found->second;
    };
    for (auto item = mixed.precisions.rbegin(); item != mixed.precisions.rend(); ++item)
      line.times_ms.emplace_back(name(*item), milliseconds(*item));
    const auto full = milliseconds(Precision::fp32), low = milliseconds(lowest);
    if (full && low) line.saved_ms = *full - *low;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string right_of(std::int64_t right, std::int64_t images) {
  return fmt::format("{} of {} ({:.2f} %)", right, images,
                     100 * static_cast<double>(right) / static_cast<double>(images));
}

Rows mix_rows(const MixedModel& mixed) {
  Rows rows{{"mix"}};
  for (const auto precision : mixed.precisions) rows[0].emplace_back(name(precision));
  rows[0].insert(rows[0].end(), {"noise dB", "lost", "gained", "drop, points", "confidence", "holds", "ms a batch"});
  for (std::size_t i = 0; i < mixed.tried.size(); ++i) {
    const auto& mix = mixed.tried[i];
    const bool plan = i + 1 == mixed.tried.size();
    auto& row = rows.emplace_back(1, plan ? "the plan" : std::to_string(i + 1));
    for (const auto precision : mixed.precisions) row.push_back(std::to_string(mix.layers.at(precision)));
    row.insert(row.end(), {mix.noise > 0 ? fmt::format("{:.1f}", 10 * std::log10(mix.noise)) : "",
                           std::to_string(mix.drop.lost), std::to_string(mix.drop.gained),
                           fmt::format("{:.2f}", mix.drop.points()), fmt::format("{:.1f} %", 100 * mix.confidence),
                           mix.held ? "yes" : "no", mix.seconds > 0 ? format_number(1e3 * mix.seconds) : ""});
  }
  return rows;
}

std::vector<std::string> sentences_of(const MixedModel& mixed, const AutoFlags& flags, const EngineFlags& engine) {
  const Mix& plan = mixed.chosen();
  std::vector<std::string> list;
  list.push_back(
      fmt::format("Asked for: at most {} points of top-1 lost, with {:.0f} % confidence, on the {} images of {}.",
                  flags.max_drop, 100 * flags.confidence, plan.drop.images, flags.data));
  list.push_back(fmt::format(
      "The plan runs {}. It is right on {}, FP32 on {}: {} lost, {} gained, "
      "a drop of {:.2f} points. That makes one {:.1f} % sure that it loses at most {} points on images like "
      "these. Same answer as FP32: {:.2f} %.",
      plan.text(), right_of(mixed.evaluation.top1, mixed.evaluation.images),
      right_of(mixed.baseline.top1, mixed.baseline.images), plan.drop.lost, plan.drop.gained, plan.drop.points(),
      100 * plan.confidence, flags.max_drop, 100 * mixed.evaluation.agreement(mixed.baseline)));
  if (mixed.looks > 1)
    list.push_back(fmt::format(
        "{} mixes were asked of these images, and the more are asked, the likelier one holds by luck: with all of them "
        "counted one is at least {:.1f} % sure. Images kept apart would tell.",
        mixed.looks, 100 * mixed.surely()));
  const auto run = [&](double seconds) { return format_number(1e3 * seconds); };
  auto times =
      fmt::format("A batch of {} takes {} ms, fp32 {} ms", flags.batch, run(mixed.plan_run), run(mixed.fp32_run));
  if (mixed.lowest() != Precision::fp32)
    times += fmt::format(", {} throughout {} ms", name(mixed.lowest()), run(mixed.lowest_run));
  list.push_back(times + " (medians of runs that took turns).");
  if (mixed.fp32_seconds > 0 && plan.seconds > 0) {
    auto text = fmt::format("Sum of the kernels' times for a batch of {}: {} ms, fp32 {} ms ({:.2f} times)",
                            flags.batch, format_number(1e3 * plan.seconds), format_number(1e3 * mixed.fp32_seconds),
                            mixed.fp32_seconds / plan.seconds);
    if (mixed.lowest_seconds > 0 && mixed.lowest() != Precision::fp32)
      text += fmt::format(", {} throughout {} ms", name(mixed.lowest()), format_number(1e3 * mixed.lowest_seconds));
    list.push_back(text + ".");
  }
  if (!engine.kernels_off.empty())
    list.push_back(
        fmt::format("All times, those of fp32 too, are without {} (--kernels-off): with every kernel each may "
                    "be shorter, and the ratios others.",
                    fmt::join(engine.kernels_off, ", ")));
  return list;
}

nlohmann::json json_of(const MixedModel& mixed, const std::vector<LayerLine>& lines, const AutoFlags& flags) {
  nlohmann::json layers = nlohmann::json::array(), tried = nlohmann::json::array();
  for (const auto& line : lines) {
    nlohmann::json entry{{"layer", line.layer},      {"op", line.op},           {"chosen", line.chosen},
                         {"points", line.points},    {"changed", line.changed}, {"noise_share", line.noise_share},
                         {"saved_ms", line.saved_ms}};
    if (!std::isinf(line.snr)) entry["snr_db"] = line.snr;
    for (const auto& [precision, value] : line.times_ms)
      if (value) entry[precision + "_ms"] = *value;
    layers.push_back(std::move(entry));
  }
  for (const auto& mix : mixed.tried) {
    nlohmann::json entry{{"noise", mix.noise},
                         {"held", mix.held},
                         {"lost", mix.drop.lost},
                         {"gained", mix.drop.gained},
                         {"drop_points", mix.drop.points()},
                         {"confidence", mix.confidence},
                         {"batch_ms", 1e3 * mix.seconds}};
    for (const auto& [precision, count] : mix.layers) entry[std::string(name(precision))] = count;
    tried.push_back(std::move(entry));
  }
  const std::string lowest(name(mixed.lowest()));
  return {{"data", flags.data},
          {"images", mixed.chosen().drop.images},
          {"max_drop_points", flags.max_drop},
          {"confidence", flags.confidence},
          {"batch", flags.batch},
          {"fp32_batch_ms", 1e3 * mixed.fp32_seconds},
          {lowest + "_batch_ms", 1e3 * mixed.lowest_seconds},
          {"plan_run_ms", 1e3 * mixed.plan_run},
          {"fp32_run_ms", 1e3 * mixed.fp32_run},
          {lowest + "_run_ms", 1e3 * mixed.lowest_run},
          {"looks", mixed.looks},
          {"confidence_all_looks", mixed.surely()},
          {"search_seconds", mixed.seconds},
          {"layers", layers},
          {"tried", tried}};
}

}  // namespace

void AutoFlags::add_to(CLI::App& verb) {
  const auto* group = "With --precision auto";
  verb.add_option("--data", data, "Labelled images that top-1 is measured on")->group(group);
  verb.add_option("--max-drop", max_drop, "Most points of top-1 that the plan may lose beside FP32")
      ->check(CLI::Range(-100.0, 100.0))
      ->capture_default_str()
      ->group(group);
  verb.add_option("--confidence", confidence, "That the drop holds on images like these")
      ->check(CLI::Range(0.0, 0.9999))
      ->capture_default_str()
      ->group(group);
  verb.add_option("--among", among,
                  "Precisions to choose from (default int8, bf16 and fp32, or fp8, fp16 and fp32; of bf16 and fp16 the "
                  "other, or neither, where the device is not faster in it)")
      ->group(group);
  verb.add_option("--batch", batch, "The batch size whose time counts")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->group(group);
  verb.add_option("--sensitivity-images", sensitivity_images,
                  "Calibration images that each layer is lowered alone on; 0: all")
      ->capture_default_str()
      ->group(group);
  verb.add_option("--data-limit", limit, "At most this many labelled images, evenly spaced; 0: all")
      ->capture_default_str()
      ->group(group);
  verb.add_option("--report", report, "Write a page with table and plot to this HTML file")->group(group);
  verb.add_option("--json", json, "Write the table to this file")->group(group);
}

Dataset auto_data(const AutoFlags& flags, Precision lowest, const Backend& backend, const Graph& graph) {
  if (flags.data.empty())
    fail(Code::invalid_argument, "--precision auto needs labelled images to measure top-1 on: --data DIR");
  if (!flags.among.empty()) among(flags, lowest);
  if (lowest == Precision::fp8 && !backend.has("fp8"))
    fail(Code::unsupported, "{} has no products of 8-bit floats, so --precision auto has nothing to gain from them",
         backend.info().id);
  for (const auto& file : {flags.report, flags.json})
    if (!file.empty()) check_writable(file);
  auto data = open_dataset(flags.data).evenly_spaced(flags.limit);
  check_labels(graph, data);
  return data;
}

MixedModel choose_and_report(const CalibratedModel& model, const std::string& name, const Dataset& data,
                             const Dataset& unlabelled, const Preprocess& preprocess, const AutoFlags& flags,
                             const EngineFlags& engine, const std::shared_ptr<Backend>& backend, bool skip_unreadable) {
  MixOptions options;
  options.max_drop = flags.max_drop;
  options.confidence = flags.confidence;
  options.sensitivity_images = flags.sensitivity_images;
  options.precisions = choices(flags, model.lowest(), *backend, engine.threads);
  options.build = engine.options();
  options.build.batches = {flags.batch};
  options.skip_unreadable = skip_unreadable;
  options.progress = staged_progress(engine.quiet);
  auto mixed = choose_precisions(model, backend, data, unlabelled, preprocess, options);
  options.progress = nullptr;
  const auto lines = lines_of(mixed);
  const auto sentences = sentences_of(mixed, flags, engine);
  fmt::print("{}\n{}\n", text_table(layer_rows(lines), terminal_width(stdout)),
             text_table(mix_rows(mixed), terminal_width(stdout)));
  for (const auto& sentence : sentences) fmt::print("{}\n", sentence);
  if (!flags.report.empty())
    write_file(flags.report, html_page({name + ": a precision for each layer", sentences, lines, mix_rows(mixed)}));
  if (!flags.json.empty()) write_file(flags.json, json_text(json_of(mixed, lines, flags)) + "\n");
  return mixed;
}

}  // namespace halftone
