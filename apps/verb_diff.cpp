#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/accuracy_rows.h"
#include "base/file.h"
#include "base/progress.h"
#include "bench/format.h"
#include "bench/table.h"
#include "quant/model_diff.h"

namespace halftone {
namespace {

struct DiffFlags {
  std::string a, b, data, preprocess, json;
  std::string precision = "fp32,fp32";
  double snr_limit = 10;
  std::size_t limit = 0;
  int batch = 8;
  bool skip_unreadable = false;
  EngineFlags engine;
};

std::string decibels(double value) {
  return std::isinf(value) ? (value > 0 ? "equal" : "none") : fmt::format("{:.1f}", value);
}

nlohmann::json json_of(const TensorDiff& tensor) {
  nlohmann::json entry{{"name", tensor.name},
                       {"op", tensor.op},
                       {"relative_error", tensor.relative_error},
                       {"largest_error", tensor.largest_error},
                       {"fall_db", tensor.fall},
                       {"not_finite", tensor.not_finite}};
  entry["snr_db"] = std::isinf(tensor.snr) ? nlohmann::json() : nlohmann::json(tensor.snr);
  return entry;
}

void write_json(const DiffFlags& flags, const ModelDiff& diff) {
  nlohmann::json tensors = nlohmann::json::array();
  for (const auto& tensor : diff.tensors) tensors.push_back(json_of(tensor));
  nlohmann::json document{{"a", flags.a},          {"b", flags.b},        {"data", flags.data},
                          {"images", diff.images}, {"agree", diff.agree}, {"unmatched", diff.unmatched},
                          {"tensors", tensors}};
  if (diff.first_wrong) document["first_wrong"] = diff.tensors[*diff.first_wrong].name;
  if (diff.largest_fall) document["largest_fall"] = diff.tensors[*diff.largest_fall].name;
  write_file(flags.json, json_text(document) + "\n");
}

void run(const DiffFlags& flags) {
  if (!flags.json.empty()) check_writable(flags.json);
  auto precisions = parse_precisions(flags.precision);
  if (precisions.size() == 1) precisions.push_back(precisions.front());
  if (precisions.size() != 2)
    fail(Code::invalid_argument, "--precision '{}': one for each model, two at most", flags.precision);
  const auto a = load_model(flags.a), b = load_model(flags.b);
  const auto backend = open_device(flags.engine.device);
  const auto preprocess = preprocess_for(flags.preprocess, a.graph);
  const auto images = open_dataset(flags.data).evenly_spaced(flags.limit);
  DiffOptions options;
  options.precision = {precisions[0], precisions[1]};
  options.batch = flags.batch;
  options.threads = flags.engine.threads;
  options.snr_limit = flags.snr_limit;
  options.skip_unreadable = flags.skip_unreadable;
  options.progress = progress_bar("compare", flags.engine.quiet);
  const auto diff = diff_models(a.graph, b.graph, backend, images, preprocess, options);
  for (const auto& reason : diff.skipped) fmt::print(stderr, "halftone: skipped {}\n", reason);
  if (!flags.json.empty()) write_json(flags, diff);

  Rows rows{{"layer", "made by", "SNR dB", "fall dB", "relative error", "largest error", "not finite"}};
  for (const auto& tensor : diff.tensors)
    rows.push_back({tensor.name, tensor.op, decibels(tensor.snr), fmt::format("{:.1f}", tensor.fall),
                    format_number(tensor.relative_error), format_number(tensor.largest_error),
                    tensor.not_finite > 0 ? std::to_string(tensor.not_finite) : ""});
  fmt::print("{}\n", text_table(rows, terminal_width(stdout)));
  if (diff.unmatched > 0)
    fmt::print("{} layers of {} have no tensor of their name and shape in {}\n", diff.unmatched, flags.a, flags.b);
  if (diff.first_wrong) {
    const auto& tensor = diff.tensors[*diff.first_wrong];
    fmt::print("first goes wrong at '{}' ({}): {}\n", tensor.name, tensor.op,
               tensor.not_finite > 0 ? fmt::format("{} values are finite in one model only", tensor.not_finite)
                                     : fmt::format("{} dB, below {} dB", decibels(tensor.snr), flags.snr_limit));
  } else {
    fmt::print("goes wrong nowhere: every layer has {} dB or more\n", flags.snr_limit);
  }
  if (diff.largest_fall) {
    const auto& tensor = diff.tensors[*diff.largest_fall];
    fmt::print("loses most at '{}' ({}): {:.1f} dB\n", tensor.name, tensor.op, tensor.fall);
  }
  fmt::print("same answer on {} of {} images ({:.2f} %)\n", diff.agree, diff.images,
             100.0 * static_cast<double>(diff.agree) / static_cast<double>(diff.images));
}

}  // namespace

void add_diff(CLI::App& app) {
  auto flags = std::make_shared<DiffFlags>();
  auto* verb = app.add_subcommand(
      "diff",
      "Two models or plans on the same images, layer by layer: error, signal to noise, where it first goes wrong");
  verb->add_option("a", flags->a, "The model that is right: an ONNX file or a plan")->required();
  verb->add_option("b", flags->b, "The one to compare with it")->required();
  verb->add_option("--data", flags->data, "Folder of images (labels are not needed), or an IDX file")->required();
  verb->add_option("--preprocess", flags->preprocess,
                   "torchvision, caffe, tf, fashion_mnist, raw, and changes: torchvision,resize=0")
      ->required();
  verb->add_option("--precision", flags->precision, "What each leaves in float runs in: fp32,bf16")
      ->capture_default_str();
  verb->add_option("--snr", flags->snr_limit, "A layer with fewer dB is wrong")->capture_default_str();
  verb->add_option("--batch", flags->batch, "Images a run")->check(CLI::Range(1, 4096))->capture_default_str();
  verb->add_option("--limit", flags->limit, "At most this many images, evenly spaced; 0: all")->capture_default_str();
  verb->add_flag("--skip-unreadable", flags->skip_unreadable, "Leave unreadable images out, named, instead of failing");
  verb->add_option("--json", flags->json, "Also write the result to this file");
  flags->engine.add_to(*verb);
  verb->footer("Example: halftone diff resnet50.onnx resnet50.int8.onnx --data images/ --preprocess torchvision");
  verb->callback([flags] { run(*flags); });
}

}  // namespace halftone
