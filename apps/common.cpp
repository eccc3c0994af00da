#include "apps/common.h"

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/progress.h"
#include "cpu/cpu_backend.h"
#include "passes/byte_images.h"
#ifdef HALFTONE_HAS_CUDA
#include "cuda/cuda_backend.h"
#endif

namespace halftone {

std::shared_ptr<Backend> open_device(const std::string& name) {
  if (name == "cuda:all" || name.find(',') != std::string::npos)
    fail(Code::invalid_argument, "device '{}': this runs on one device; bench, eval and study take several", name);
  if (name == "cpu") return make_cpu_backend();
#ifdef HALFTONE_HAS_CUDA
  int index = 0;
  if (name == "cuda" || (name.starts_with("cuda:") && CLI::detail::lexical_cast(name.substr(5), index)))
    return make_cuda_backend(index);
  fail(Code::not_found, "device '{}': there are 'cpu', 'cuda' and 'cuda:N'", name);
#else
  fail(Code::not_found, "device '{}': there is only 'cpu' here (this build has no other backend)", name);
#endif
}

std::string DeviceSet::id() const {
  std::string text;
  for (const auto& backend : backends) text += (text.empty() ? "" : ",") + backend->info().id;
  return text;
}

int DeviceSet::threads_each(int sessions) const {
  const auto& first = *backends.front();
  const int parts = first.host_memory() ? sessions * static_cast<int>(backends.size()) : 1;
  return std::max(1, first.info().cores / parts);
}

DeviceSet open_devices(const std::string& names) {
  DeviceSet set;
  auto list = CLI::detail::split(names, ',');
#ifdef HALFTONE_HAS_CUDA
  if (names == "cuda:all") {
    list.clear();
    const auto count = std::max<std::size_t>(1, cuda_devices().size());  // of none, the first says why
    for (std::size_t i = 0; i < count; ++i) list.push_back(fmt::format("cuda:{}", i));
  }
#endif
  for (const auto& name : list) {
    auto backend = open_device(name);
    for (const auto& other : set.backends) {
      if (other->info().key != backend->info().key)
        fail(Code::invalid_argument,
             "devices '{}': {} and {} are not alike and cannot share the work; a --device each compares them", names,
             other->info().id, backend->info().id);
      if (!backend->host_memory() && other->info().id == backend->info().id)
        fail(Code::invalid_argument, "devices '{}': {} stands there twice", names, backend->info().id);
    }
    set.backends.push_back(std::move(backend));
  }
  return set;
}

OnnxModel load_model(const std::string& path) {
  auto model = read_onnx_model(path);
  for (const auto& warning : model.warnings) std::fprintf(stderr, "halftone: warning: %s\n", warning.c_str());
  return model;
}

std::vector<std::int64_t> parse_batches(const std::string& text) {
  std::vector<std::int64_t> batches;
  for (const auto& item : CLI::detail::split(text, ',')) {
    std::int64_t from = 0, to = 0;
    const auto dash = item.find('-', 1);
    const auto number = [&](const std::string& digits, std::int64_t& value) {
      return CLI::detail::lexical_cast(digits, value) && value >= 1 && value <= 65536;
    };
    if (dash == std::string::npos ? !number(item, from)
                                  : !number(item.substr(0, dash), from) || !number(item.substr(dash + 1), to))
      fail(Code::invalid_argument, "batch '{}': a number from 1 to 65536, or a range such as 1-64 (1, 2, 4, … 64)",
           item);
    for (auto batch = from; dash == std::string::npos ? batch == from : batch <= to; batch *= 2)
      batches.push_back(batch);
  }
  if (batches.empty()) fail(Code::invalid_argument, "no batch size given");
  return batches;
}

std::vector<Precision> parse_precisions(const std::string& text) {
  std::vector<Precision> precisions;
  for (const auto& item : CLI::detail::split(text, ',')) {
    const auto precision = parse_precision(item);
    if (!precision)
      fail(Code::invalid_argument, "precision '{}': fp32, tf32, bf16, fp16, int8 and fp8 are known", item);
    precisions.push_back(*precision);
  }
  if (precisions.empty()) fail(Code::invalid_argument, "no precision given");
  return precisions;
}

Precision parse_one_precision(const std::string& text) {
  const auto precisions = parse_precisions(text);
  if (precisions.size() > 1) fail(Code::invalid_argument, "precision '{}': one at a time here", text);
  return precisions.front();
}

Preprocess preprocess_for(const std::string& text, const Graph& graph) {
  auto preprocess = parse_preprocess(text);
  if (graph.inputs.size() != 1)
    fail(Code::unsupported, "the model has {} inputs; images go into one", graph.inputs.size());
  preprocess.fit_to(graph.value(graph.inputs.front()).type.shape.dims());
  return preprocess;
}

void enter_as_bytes(Graph& graph, Preprocess& preprocess) {
  std::vector<float> multiply, add;
  for (int c = 0; c < preprocess.channel_count(); ++c) {
    const auto at = static_cast<std::size_t>(c);
    multiply.push_back(preprocess.scale / preprocess.std[at]);
    add.push_back(-preprocess.mean[at] / preprocess.std[at]);
  }
  read_byte_images(graph, multiply, add);
  preprocess.dtype = DType::u8;
  preprocess.layout = Layout::nhwc;
}

bool is_quantized(const Graph& graph) {
  for (const auto& node : graph.nodes)
    if (node.op == "QuantizeLinear" || node.op == "DequantizeLinear") return true;
  return false;
}

std::optional<Precision> quantized_to(const Graph& graph) {
  if (!is_quantized(graph)) return std::nullopt;
  for (const auto& value : graph.values)
    if (value.is_constant() && value.constant.dtype() == DType::f8e4m3) return Precision::fp8;
  return Precision::int8;
}

Precision float_precision(Precision precision) {
  return precision == Precision::int8 || precision == Precision::fp8 ? Precision::fp32 : precision;
}

void EngineFlags::add_to(CLI::App& verb, Devices devices) {
  const std::string where = "Where to run: cpu, or cuda or cuda:N in a build with CUDA";
  const std::string several = "; cuda:0,cuda:1 or cuda:all share the work";
  if (devices == Devices::sets)
    verb.add_option("--device", device_sets, where + several + "; given again: another set to compare")
        ->allow_extra_args(false)
        ->capture_default_str();
  else
    verb.add_option("--device", device, where + (devices == Devices::together ? several : ""))->capture_default_str();
  verb.add_option("--threads", threads, "Cores a run uses; 0: all")->check(CLI::Range(0, 1024))->capture_default_str();
  verb.add_flag(
      "--no-tune", no_tune,
      "Start at once: known tactics, else those of the nearest batch size, else each kernel's own first guess");
  verb.add_flag("-q,--quiet", quiet, "No progress on stderr");
  verb.add_option("--passes-off", passes_off,
                  "Passes to leave out, with commas; `halftone explain` names those that did something")
      ->delimiter(',');
  verb.add_option("--kernels-off", kernels_off,
                  "Kernels to leave out, with commas: the names in `halftone explain --all` before a bracket")
      ->delimiter(',');
}

BuildOptions EngineFlags::options() const {
  BuildOptions options;
  options.threads = threads;
  options.tune = !no_tune;
  options.passes_off = {passes_off.begin(), passes_off.end()};
  options.kernels_off = {kernels_off.begin(), kernels_off.end()};
  return options;
}

std::shared_ptr<const Engine> build_engine(const Graph& graph, const std::shared_ptr<Backend>& backend,
                                           const EngineFlags& flags, std::vector<std::int64_t> batches,
                                           Precision precision) {
  auto options = flags.options();
  options.batches = std::move(batches);
  options.precision = precision;
  std::function<void(std::size_t, std::size_t)> bar;
  std::int64_t batch = 0;
  options.progress = [&](const BuildProgress& progress) {
    if (progress.batch != batch)
      bar = progress_bar(fmt::format("build batch {}", progress.batch), flags.quiet || flags.no_tune);
    batch = progress.batch;
    bar(progress.done, progress.total);
  };
  return build(graph, backend, options);
}

std::vector<std::shared_ptr<const Engine>> build_engines(const Graph& graph, const DeviceSet& devices,
                                                         const EngineFlags& flags, std::vector<std::int64_t> batches,
                                                         Precision precision) {
  std::vector<std::shared_ptr<const Engine>> engines;
  Graph known = graph;
  for (const auto& backend : devices.backends) {
    engines.push_back(build_engine(known, backend, flags, batches, precision));
    if (engines.size() == devices.backends.size()) break;
    const auto& info = backend->info();
    known.metadata[tactic_metadata_key(info)] = engines.back()->tactics().serialize(info.key);
  }
  return engines;
}

std::string json_text(const nlohmann::json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::function<void(std::size_t, std::size_t)> progress_bar(std::string label, bool quiet) {
  struct State {
    std::unique_ptr<Progress> bar;
    std::size_t shown = 0;
  };
  return [state = std::make_shared<State>(), label = std::move(label), quiet](std::size_t done, std::size_t total) {
    if (!state->bar) state->bar = std::make_unique<Progress>(label, static_cast<std::int64_t>(total), quiet);
    state->bar->advance(static_cast<std::int64_t>(done - state->shown));
    state->shown = done;
  };
}

std::function<void(const std::string&, std::size_t, std::size_t)> staged_progress(bool quiet) {
  struct State {
    std::string stage;
    std::function<void(std::size_t, std::size_t)> bar;
  };
  return [state = std::make_shared<State>(), quiet](const std::string& stage, std::size_t done, std::size_t total) {
    if (!state->bar || state->stage != stage) state->bar = progress_bar(stage, quiet);
    state->stage = stage;
    state->bar(done, total);
  };
}

}  // namespace halftone
