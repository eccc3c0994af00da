#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "apps/accuracy_rows.h"
#include "apps/auto_precision.h"
#include "base/file.h"
#include "onnx/writer.h"

namespace halftone {
namespace {

struct QuantizeFlags {
  std::string model, output, calibration, preprocess;
  std::string method;
  std::string precision;
  double percentile = 99.99;
  std::size_t limit = 0;
  bool symmetric = false;
  bool fp8 = false;
  bool no_bias_correction = false;
  bool no_equalization = false;
  bool no_raising = false;
  bool nearest_weights = false;
  bool skip_unreadable = false;
  bool verbose = false;
  AutoFlags choose;
  EngineFlags engine;
};

bool wants_fp8(const QuantizeFlags& flags) {
  if (flags.fp8 && flags.precision == "int8")
    fail(Code::invalid_argument, "--fp8 and --precision int8 contradict each other");
  const auto among = flags.choose.among.empty() ? std::vector<Precision>() : parse_precisions(flags.choose.among);
  return flags.fp8 || flags.precision == "fp8" || std::find(among.begin(), among.end(), Precision::fp8) != among.end();
}

void run(const QuantizeFlags& flags) {
  QuantizeOptions options;
  options.fp8 = wants_fp8(flags);
  options.calibrator = calibrator_from(flags.method);
  const auto model = load_model(flags.model);
  const auto backend = open_device(flags.engine.device);
  const auto preprocess = preprocess_for(flags.preprocess, model.graph);
  check_writable(flags.output);
  const bool choose = flags.precision == "auto";
  options.raise_noisy = !choose && !flags.no_raising;
  options.move_padded = !choose;
  options.fit_weights = !flags.nearest_weights;
  if (is_quantized(model.graph)) fail(Code::invalid_argument, "{}: the model is quantised already", flags.model);
  std::optional<Dataset> data;
  if (choose) data = auto_data(flags.choose, options.fp8 ? Precision::fp8 : Precision::int8, *backend, model.graph);
  options.percentile = flags.percentile;
  options.correct_bias = !flags.no_bias_correction;
  options.equalize = !flags.no_equalization;
  options.symmetric = flags.symmetric || backend->has("symmetric_int8");
  options.threads = flags.engine.threads;
  options.skip_unreadable = flags.skip_unreadable;
  options.progress = staged_progress(flags.engine.quiet);
  const auto images = open_dataset(flags.calibration).evenly_spaced(flags.limit);
  const auto calibrated = calibrate(model.graph, backend, images, preprocess, options);
  options.progress = nullptr;
  for (const auto& skipped : calibrated.skipped) std::fprintf(stderr, "halftone: skipped %s\n", skipped.c_str());
  for (const auto& warning : calibrated.warnings) std::fprintf(stderr, "halftone: warning: %s\n", warning.c_str());
  if (flags.verbose)
    for (const auto& tensor : calibrated.tensors)
      fmt::print("{:<40} seen {:>10.4f} … {:<10.4f} chosen {:>10.4f} … {:<10.4f}\n", tensor.name, tensor.seen.low,
                 tensor.seen.high, tensor.chosen.low, tensor.chosen.high);
  if (flags.verbose)
    fmt::print("{} tensors equalised, {} with zero moved\n", calibrated.equalized, calibrated.recentred);
  if (choose) {
    auto mixed = choose_and_report(calibrated, std::filesystem::path(flags.model).stem().string(), *data, images,
                                   preprocess, flags.choose, flags.engine, backend, flags.skip_unreadable);
    const auto& info = backend->info();
    mixed.graph.metadata[tactic_metadata_key(info)] = mixed.engine->tactics().serialize(info.key);
    write_onnx(mixed.graph, flags.output);
    fmt::print("{}: calibrated by {} on {} images in {:.1f} s, chosen in {:.1f} s\n", flags.output,
               calibrator_of(calibrated.graph), calibrated.images, calibrated.seconds, mixed.seconds);
    return;
  }
  const auto plan = quantize(calibrated);
  write_onnx(plan.graph, flags.output);
  fmt::print("{}: {} products and {} tensors in 8 bits, calibrated by {} on {} images in {:.1f} s\n", flags.output,
             plan.products, calibrated.tensors.size(), calibrator_of(calibrated.graph), calibrated.images,
             calibrated.seconds);
}

}  // namespace

void add_quantize(CLI::App& app) {
  auto flags = std::make_shared<QuantizeFlags>();
  auto* verb = app.add_subcommand(
      "quantize",
      "Calibrate on images and write an INT8 or FP8 plan: an ordinary ONNX file with QuantizeLinear/DequantizeLinear");
  verb->add_option("model", flags->model, "An ONNX file in float")->required();
  verb->add_option("--output,-o", flags->output, "The plan to write")->required();
  verb->add_option("--calib", flags->calibration, "Folder of images (labels are not needed), or an IDX file")
      ->required();
  verb->add_option("--preprocess", flags->preprocess,
                   "torchvision, caffe, tf, fashion_mnist, raw, and changes: torchvision,resize=0")
      ->required();
  add_method(*verb, flags->method);
  verb->add_option("--percentile", flags->percentile, "For --method percentile")
      ->check(CLI::Range(50.0, 100.0))
      ->capture_default_str();
  verb->add_option("--limit", flags->limit, "Use at most this many images, evenly spaced; 0: all")
      ->capture_default_str();
  verb->add_flag(
      "--fp8", flags->fp8,
      "8-bit floats (e4m3) instead of integers, for GPUs that multiply them, and FP16 (BF16 where values are large) "
      "for the first block, the last product and others whose rounding is heard most, or with --precision auto for "
      "what it chooses; --method does not apply");
  verb->add_flag("--symmetric", flags->symmetric,
                 "Signed activations with zero point 0, which GPUs want; CPUs are faster with unsigned");
  verb->add_flag("--no-bias-correction", flags->no_bias_correction,
                 "Leave biases as they are instead of taking off what rounding adds to each channel on average");
  verb->add_flag("--no-equalization", flags->no_equalization,
                 "Leave channels as they are instead of bringing their ranges together across layers");
  verb->add_flag("--no-raising", flags->no_raising,
                 "With --fp8: leave no more in 16 bits than the first block and the last product, without measuring "
                 "what the rounding of each other product does to the outputs");
  verb->add_flag("--nearest-weights", flags->nearest_weights,
                 "With --fp8: round each weight to the nearest number instead of so that the errors of some take off "
                 "those of others on what the layer reads; faster to make, less accurate");
  verb->add_flag("--skip-unreadable", flags->skip_unreadable, "Leave unreadable images out, named, instead of failing");
  verb->add_flag("--verbose", flags->verbose, "Print every tensor's range");
  verb->add_option("--precision", flags->precision,
                   "int8 (the default), fp8 (as --fp8), or auto: the fastest mix of precisions whose accuracy holds, "
                   "measured layer by layer; with --fp8 of 8-bit floats")
      ->check(CLI::IsMember({"int8", "fp8", "auto"}));
  flags->choose.add_to(*verb);
  flags->engine.add_to(*verb);
  verb->footer(
      "Example: halftone quantize resnet50.onnx -o resnet50.int8.onnx --calib images/ --preprocess torchvision\n"
      "         halftone quantize resnet50.onnx -o resnet50.plan.onnx --calib images/ --preprocess torchvision "
      "--precision auto --max-drop 0.5 --data labelled/ --report resnet50.html");
  verb->callback([flags] { run(*flags); });
}

}  // namespace halftone
