#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "apps/sweep.h"
#include "base/file.h"
#include "base/progress.h"
#include "bench/advice.h"
#include "bench/compare.h"
#include "bench/device_rows.h"
#include "bench/format.h"
#include "bench/report.h"
#include "bench/scaling.h"
#include "bench/table.h"
#include "engine/measure.h"

namespace halftone {
namespace {

struct BenchFlags {
  std::vector<std::string> models, compare;
  std::string precisions, batches = "1,8,32", json, html, peers, slo, data, preprocess;
  int sessions = 1, copies = 0;
  Protocol protocol;
  std::string bytes;
  EngineFlags engine;
};

/// One file of those given, and the precisions of the command that it runs in.
struct Source {
  std::string path, name;
  Graph graph;
  std::vector<Precision> precisions;
};

/// "resnet50" of "resnet50.onnx", and of its plan "resnet50.int8.onnx", so that they stand side by side.
std::string name_of(const std::string& path, std::optional<Precision> quantized) {
  auto stem = std::filesystem::path(path).stem().string();
  const std::string ending = quantized ? fmt::format(".{}", name(*quantized)) : "";
  if (quantized && stem.ends_with(ending)) stem.resize(stem.size() - ending.size());
  return stem;
}

std::vector<Source> load_sources(const BenchFlags& flags) {
  const auto wanted = parse_precisions(flags.precisions.empty() ? "fp32,int8,fp8" : flags.precisions);
  std::vector<Source> sources;
  std::vector<Precision> used;
  for (const auto& path : flags.models) {
    auto model = load_model(path);
    if (!flags.bytes.empty()) {
      auto preprocess = preprocess_for(flags.bytes, model.graph);
      enter_as_bytes(model.graph, preprocess);
    }
    const auto quantized = quantized_to(model.graph);
    Source source{path, name_of(path, quantized), std::move(model.graph), {}};
    for (const auto precision : wanted)
      if (quantized ? precision == *quantized : float_precision(precision) == precision)
        source.precisions.push_back(precision);
    if (source.precisions.empty())
      fail(Code::invalid_argument, "{} is {}: it cannot run in {}", path,
           quantized ? fmt::format("quantised to {}", name(*quantized)) : "not quantised (see `halftone quantize`)",
           flags.precisions);
    used.insert(used.end(), source.precisions.begin(), source.precisions.end());
    sources.push_back(std::move(source));
  }
  if (!flags.precisions.empty())
    for (const auto precision : wanted)
      if (std::find(used.begin(), used.end(), precision) == used.end())
        fail(Code::invalid_argument, "none of the models runs in {}{}", name(precision),
             float_precision(precision) != precision ? " (see `halftone quantize`)" : "");
  return sources;
}

std::vector<std::string> parse_peers(const std::string& text) {
  std::vector<std::string> peers;
  if (text.empty()) return peers;
  for (const auto& item : CLI::detail::split(text, ','))
    if (auto peer = peer_name(item); std::find(peers.begin(), peers.end(), peer) == peers.end())
      peers.push_back(std::move(peer));
  return peers;
}

bool is_of(const Result& result, const Contender& contender) {
  return result.model == contender.model && result.engine == "halftone" &&
         result.precision == name(contender.precision) && result.device == contender.device();
}

/// Images a second with decoding, preprocessing and copies counted, over about two seconds of images.
void add_end_to_end(const Contender& contender, const BenchFlags& flags, const Graph& graph, Results& results) {
  const auto preprocess = preprocess_for(flags.preprocess, graph);
  const auto all = open_dataset(flags.data);
  for (auto& result : results.results) {
    if (!is_of(result, contender)) continue;
    const auto images = std::max<std::size_t>(static_cast<std::size_t>(2 * result.throughput),
                                              static_cast<std::size_t>(3 * result.batch));
    EvalOptions options;
    options.batch = result.batch;
    if (!contender.engine().backend()->host_memory())
      options.decode_threads = static_cast<int>(std::thread::hardware_concurrency());
    const auto evaluation = evaluate_accuracy(*contender.team, all.evenly_spaced(images), preprocess, options);
    result.end_to_end = static_cast<double>(evaluation.images) / evaluation.seconds;
  }
}

/// What a device with a meter of its own draws under a steady load of a second, or half of one where points take no
/// longer (a meter tells a new figure every 20 to 100 ms), and its throughput with copies counted.
void add_device_figures(const Contender& contender, int copies, double point_seconds, Results& results) {
  const double energy_seconds = std::clamp(point_seconds, 0.5, 1.0);
  constexpr double kCopySeconds = 1;
  for (auto& result : results.results) {
    if (!is_of(result, contender)) continue;
    if (const auto draw = measure_draw(*contender.team, result.batch, energy_seconds)) {
      result.images_per_joule = result.batch / draw->joules_per_run;
      if (draw->clock_hz > 0) result.clock_mhz = draw->clock_hz / 1e6;
      result.limited_by = draw->limits;
    }
    if (copies > 0)
      result.host_to_host = host_to_host_rate(contender.team->engines(), result.batch, copies, kCopySeconds);
  }
}

/// All files of one name, in all their precisions, on all devices.
void measure_model(const std::vector<const Source*>& sources, const BenchFlags& flags,
                   const std::vector<DeviceSet>& device_sets, const std::vector<std::int64_t>& batches,
                   Sweeper& sweeper, Results& results) {
  std::vector<Contender> contenders;
  std::vector<const Graph*> graphs;
  for (const auto& devices : device_sets)
    for (const auto* source : sources)
      for (const auto precision : source->precisions) {
        if (device_sets.size() > 1 && precision == Precision::tf32 && !devices.backends.front()->has("tf32")) {
          results.absent.push_back(
              {"halftone", fmt::format("{} tf32 on {}", source->name, devices.id()), "it has no products of tf32"});
          continue;
        }
        auto engine_flags = flags.engine;
        if (engine_flags.threads == 0) engine_flags.threads = devices.threads_each(flags.sessions);
        auto build = engine_builder(source->graph, devices, engine_flags, batches, float_precision(precision));
        contenders.push_back(make_contender(source->name, source->path, precision, std::move(build), flags.sessions));
        graphs.push_back(&source->graph);
      }
  if (contenders.empty()) fail(Code::unsupported, "none of these devices has products of tf32");
  sweeper.measure(contenders);
  for (const auto& contender : contenders) add_device_figures(contender, flags.copies, flags.protocol.seconds, results);
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    if (!flags.data.empty()) add_end_to_end(contenders[i], flags, *graphs[i], results);
    for (const auto& sweep : sweeps_of(results))
      if (sweep.model == contenders[i].model && sweep.engine == "halftone" && sweep.device == contenders[i].device() &&
          sweep.precision == name(contenders[i].precision))
        results.profiles.push_back(profile_of(contenders[i], sweep.knee().batch));
  }
}

void print_tables(const Study& study, const std::optional<Slo>& slo) {
  const int width = terminal_width(stdout);
  for (const auto& model : models_of(study.all)) {
    fmt::print("{}\n{}\n", model, results_table(study.all, model, width));
    for (const auto& advice : advise(study.all, model, slo)) fmt::print("{}: {}\n", advice.topic, advice.text);
    if (const auto rows = scaling_rows(study.all, model); rows.size() > 1)
      fmt::print("\nscaling over devices\n{}\n", text_table(rows, width));
    if (const auto summary = peer_summary(study.all, model); !summary.empty()) fmt::print("{}\n", summary);
    fmt::print("\n");
  }
  if (const auto rows = device_rows(study); rows.size() > 1)
    fmt::print("the devices at a glance\n{}\n", text_table(rows, width));
  for (const auto& absent : study.all.absent) fmt::print("absent: {}\n", describe(absent));
  for (const auto& sentence : device_sentences(study)) fmt::print("{}\n", sentence);
  for (const auto& sentence : missing_sentences(study)) fmt::print("{}\n", sentence);
  for (const auto& note : study.all.notes) fmt::print("{}\n", note);
}

void print_agreement(const Results& first, const Results& second) {
  const auto agreement = agreement_of(first, second);
  if (agreement.cells == 0) return;
  fmt::print("{} of {} cells ({:.0f} %) agree within their 95 % intervals\n", agreement.agreeing, agreement.cells,
             100.0 * agreement.agreeing / agreement.cells);
  for (const auto& cell : agreement.apart) fmt::print("apart: {}\n", cell);
}

/// The files first, so that nothing measured is lost where the screen is; and where the disk is, the screen.
void put_out(const BenchFlags& flags, const std::vector<Results>& all, const std::optional<Slo>& slo) {
  const auto study = study_of(all);
  std::vector<FileContent> files;
  if (!flags.json.empty()) files.push_back({flags.json, to_json(all.front())});
  if (!flags.html.empty()) files.push_back({flags.html, html_report(study, slo)});
  try {
    write_files(files);
  } catch (const Error&) {
    print_tables(study, slo);
    throw;
  }
  print_tables(study, slo);
  if (all.size() == 2) print_agreement(all[0], all[1]);
}

/// Fills `results`; the sweeper's checkpoint is to be discarded once they are safe.
std::unique_ptr<Sweeper> measure_all(const BenchFlags& flags, const std::optional<Slo>& slo, Results& results) {
  const auto batches = parse_batches(flags.batches);
  const auto peers = parse_peers(flags.peers);
  if (flags.data.empty() != flags.preprocess.empty())
    fail(Code::invalid_argument, "--data and --preprocess go together");
  std::vector<DeviceSet> device_sets;
  for (const auto& devices : flags.engine.device_sets) device_sets.push_back(open_devices(devices));
  if (!flags.data.empty() && flags.sessions > 1) fail(Code::invalid_argument, "--data is measured with one session");
  for (const auto& devices : device_sets)
    check_sessions(*devices.backends.front(), flags.sessions * static_cast<int>(devices.backends.size()),
                   std::max(1, flags.engine.threads));
  const auto sources = load_sources(flags);
  for (const auto& source : sources)
    if (!flags.data.empty()) (void)preprocess_for(flags.preprocess, source.graph);
  results.created = utc_now();
  results.command = command_line();
  auto& first = *device_sets.front().backends.front();
  results.machine =
      describe_machine(first, flags.engine.threads > 0 ? flags.engine.threads : first.info().cores, false);
  const bool keeps =
      !flags.json.empty() && (!std::filesystem::exists(flags.json) || std::filesystem::is_regular_file(flags.json));
  const auto checkpoint = keeps ? flags.json + ".part" : "";
  const auto identity = fmt::format("{}; {} sessions; passes off {}; kernels off {}; tuned {}", first.info().key,
                                    flags.sessions, fmt::join(flags.engine.passes_off, ","),
                                    fmt::join(flags.engine.kernels_off, ","), !flags.engine.no_tune);
  auto sweeper = std::make_unique<Sweeper>(
      Sweeper::Options{flags.protocol, batches, peers, checkpoint, identity, flags.engine.quiet}, results);
  try {
    std::vector<std::string> names;
    for (const auto& source : sources) {
      if (std::find(names.begin(), names.end(), source.name) != names.end()) continue;
      names.push_back(source.name);
      std::vector<const Source*> same;
      for (const auto& other : sources)
        if (other.name == source.name) same.push_back(&other);
      measure_model(same, flags, device_sets, batches, *sweeper, results);
    }
  } catch (const Error& error) {
    if (error.code() != Code::cancelled || results.results.empty()) throw;
    print_tables(study_of(std::span(&results, 1)), slo);
    fail(Code::cancelled, "interrupted: the {} points above are what was measured{}", results.results.size(),
         checkpoint.empty() ? "" : "; the same command goes on from " + checkpoint);
  }
  sweeper->finish();
  return sweeper;
}

void run(const BenchFlags& flags) {
  const auto slo = flags.slo.empty() ? std::nullopt : std::optional(parse_slo(flags.slo));
  if (flags.models.empty() && flags.compare.empty())
    fail(Code::invalid_argument, "give models to measure, or results to --compare");
  if (flags.models.empty() && !flags.json.empty())
    fail(Code::invalid_argument, "--json keeps what is measured, and no model is given");
  std::vector<Results> all;
  for (const auto& path : flags.compare) all.push_back(read_results(path));
  for (const auto& path : {flags.json, flags.html})
    if (!path.empty()) check_writable(path);
  std::unique_ptr<Sweeper> sweeper;
  if (!flags.models.empty()) {
    Results results;
    sweeper = measure_all(flags, slo, results);
    all.insert(all.begin(), std::move(results));
  }
  put_out(flags, all, slo);
  if (sweeper) sweeper->discard_checkpoint();
}

}  // namespace

void add_bench(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  auto* verb = app.add_subcommand(
      "bench", "Throughput and latency of models over precisions, batch sizes, devices, and beside other engines");
  verb->add_option("models", flags->models, "ONNX files or plans; NAME.onnx and NAME.int8.onnx are one model");
  verb->add_option("--precision", flags->precisions,
                   "fp32, tf32, bf16, fp16, int8, fp8; several with commas (default fp32, and a plan's own)");
  verb->add_option("--batch", flags->batches, "Batch sizes: 1,8,32 or 1-64 (doubling)")->capture_default_str();
  verb->add_option("--sessions", flags->sessions,
                   "Sessions running at once, each confined to its share of the cores (--threads: of each)")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->add_option("--peers", flags->peers,
                   "Measure these beside us on the same files: ort, openvino, torch, tensorflow (see tools/peers)");
  verb->add_option("--slo", flags->slo, "Also advise what keeps this latency limit: p99=15ms");
  verb->add_option("--compare", flags->compare, "Result files of other machines or runs, on one page with this one");
  verb->add_option("--data", flags->data, "Images, to measure end to end too: decoding and preprocessing counted");
  verb->add_option("--preprocess", flags->preprocess, "How images become inputs: torchvision, caffe, tf, raw, …");
  verb->add_option("--warm-up", flags->protocol.warmup, "Runs before the clock starts")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  verb->add_option("--iterations", flags->protocol.iterations, "Timed runs a point")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  verb->add_option("--rounds", flags->protocol.rounds, "Turns that a point's timed runs are spread over")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb->add_option("--sittings", flags->protocol.sittings,
                   "The rounds are spread over so many sittings; engines are built anew for each, as in another run")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb->add_option("--seconds", flags->protocol.seconds, "Fewer runs where a point would take longer than this")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  verb->add_option("--copies", flags->copies,
                   "Also the throughput with copies between host and device, of so many sessions at once")
      ->check(CLI::Range(1, 64));
  verb->add_option("--bytes", flags->bytes,
                   "Images enter as bytes and are normalised on the device as this preprocessing says (torchvision, …)")
      ->excludes("--data");
  verb->add_option("--json", flags->json,
                   "Also write the results to this file; what an interrupted run measured waits in FILE.part");
  verb->add_option("--html", flags->html, "Also write a page to look at");
  flags->engine.add_to(*verb, Devices::sets);
  verb->footer(
      "Example: halftone bench resnet50.onnx resnet50.int8.onnx --precision fp32,bf16,int8 --batch 1-64 --peers "
      "ort,openvino --json resnet50.json --html resnet50.html");
  verb->callback([flags] { run(*flags); });
}

}  // namespace halftone
