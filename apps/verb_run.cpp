#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/common.h"
#include "base/clock.h"
#include "base/file.h"
#include "data/class_names.h"
#include "data/dataset.h"
#include "data/npz.h"
#include "engine/session.h"
#include "quant/accuracy.h"

namespace halftone {
namespace {

struct RunFlags {
  std::string model;
  std::vector<std::string> inputs;
  std::string preprocess;
  std::string labels;
  std::string output;
  std::string precision = "fp32";
  int top = 5;
  bool json = false;
  EngineFlags engine;
};

bool is_tensor_file(const std::string& path) {
  return path.ends_with(".npy") || path.ends_with(".npz") || path.ends_with(".gz") ||
         path.find("ubyte") != std::string::npos;
}

/// The tensors of the files, put in the order of the model's inputs: by name where the file has names, else in order.
std::vector<Tensor> tensors_for(const Graph& graph, const std::vector<std::string>& files) {
  std::vector<NamedTensor> given;
  for (const auto& file : files)
    for (auto& item : read_tensors(file)) given.push_back(std::move(item));
  std::vector<std::string> wanted;
  for (const auto id : graph.inputs) wanted.push_back(graph.value(id).name);
  if (given.size() != wanted.size())
    fail(Code::invalid_argument, "the model has {} inputs ({}), {} tensors given", wanted.size(),
         fmt::join(wanted, ", "), given.size());
  std::vector<Tensor> tensors(wanted.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto named = std::find(wanted.begin(), wanted.end(), given[i].name);
    const bool nameless = given[i].name.empty() || given[i].name == fmt::format("arr_{}", i);  // NumPy's own numbering
    if (!nameless && named == wanted.end())
      fail(Code::invalid_argument, "the model has no input '{}'; it has {}", given[i].name, fmt::join(wanted, ", "));
    auto& place = tensors[named == wanted.end() ? i : static_cast<std::size_t>(named - wanted.begin())];
    if (place.defined()) fail(Code::invalid_argument, "input '{}' is given twice", given[i].name);
    place = given[i].tensor;
  }
  return tensors;
}

struct Answer {
  std::int32_t index;
  float score;
  double probability;
};

std::vector<Answer> best_answers(const Tensor& output, int top) {
  const Tensor scores = output.to(DType::f32);
  const auto row = scores.data<float>();
  if (row.empty()) fail(Code::unsupported, "the model's first output is empty: there are no scores to rank");
  // Scores that already are probabilities stay; logits get their softmax.
  double sum = 0;
  bool shares = true;
  for (const float score : row) sum += score, shares = shares && score >= 0 && score <= 1;
  shares = shares && std::abs(sum - 1) < 1e-3;
  const float largest = *std::max_element(row.begin(), row.end());
  double total = 0;
  for (const float score : row) total += std::exp(static_cast<double>(score - largest));
  std::vector<Answer> answers;
  for (const auto index : best_classes(row, static_cast<std::size_t>(top))) {
    const float score = row[static_cast<std::size_t>(index)];
    answers.push_back(
        {index, score, shares ? static_cast<double>(score) : std::exp(static_cast<double>(score - largest)) / total});
  }
  return answers;
}

void print_answers(const RunFlags& flags, const std::vector<Answer>& answers, double seconds) {
  std::vector<std::string> names;
  if (!flags.labels.empty()) names = read_class_names(flags.labels);
  const auto name_of = [&](std::int32_t index) {
    return static_cast<std::size_t>(index) < names.size() ? names[static_cast<std::size_t>(index)] : std::string();
  };
  if (flags.json) {
    nlohmann::json rows = nlohmann::json::array();
    for (const auto& answer : answers) {
      nlohmann::json row{{"class", answer.index}, {"score", answer.score}, {"probability", answer.probability}};
      if (!name_of(answer.index).empty()) row["name"] = name_of(answer.index);
      rows.push_back(std::move(row));
    }
    fmt::print(
        "{}\n",
        json_text({{"model", flags.model}, {"input", flags.inputs.front()}, {"seconds", seconds}, {"top", rows}}));
    return;
  }
  for (const auto& answer : answers)
    fmt::print("{:>6}  {:>6.2f} %  {}\n", answer.index, 100 * answer.probability, name_of(answer.index));
  fmt::print(stderr, "{:.2f} ms\n", seconds * 1e3);
}

void run(const RunFlags& flags) {
  if (!flags.output.empty()) check_writable(flags.output);
  auto model = load_model(flags.model);
  const auto backend = open_device(flags.engine.device);
  const bool tensors = is_tensor_file(flags.inputs.front());
  std::vector<Tensor> inputs;
  if (tensors) {
    inputs = tensors_for(model.graph, flags.inputs);
  } else {
    if (flags.preprocess.empty())
      fail(Code::invalid_argument, "an image needs --preprocess ({}, … see `halftone run --help`)",
           fmt::join(preprocess_presets(), ", "));
    if (flags.inputs.size() != 1) fail(Code::invalid_argument, "one image at a time; `halftone eval` runs folders");
    const auto preprocess = preprocess_for(flags.preprocess, model.graph);
    const auto images = open_dataset(flags.inputs.front());
    if (images.size() != 1)
      fail(Code::invalid_argument, "{}: {} images; one at a time, `halftone eval` runs folders", flags.inputs.front(),
           images.size());
    inputs.push_back(preprocess_image(images.image(0), preprocess));
  }
  std::int64_t batch = 1;
  if (!inputs.empty() && inputs[0].shape().rank() > 0) batch = std::max<std::int64_t>(1, inputs[0].shape()[0]);
  auto engine_flags = flags.engine;
  engine_flags.no_tune = true;  // one run is not worth measuring for; what earlier builds learnt is used
  const auto precision = parse_one_precision(flags.precision);
  if (float_precision(precision) != precision && quantized_to(model.graph) != precision)
    fail(Code::invalid_argument, "{} is not quantised to {}; `halftone quantize` makes a plan", flags.model,
         name(precision));
  const auto engine = build_engine(model.graph, backend, engine_flags, {batch}, float_precision(precision));
  Session session(engine);
  session.run(inputs);
  const double start = now_seconds();
  const auto outputs = session.run(inputs);
  const double seconds = now_seconds() - start;
  if (!flags.output.empty()) {
    std::vector<NamedTensor> named;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      named.push_back({engine->program(batch).outputs[i].name, outputs[i]});
    write_npz(flags.output, named);
    if (tensors) return;
  }
  if (!tensors) {
    print_answers(flags, best_answers(outputs[0], flags.top), seconds);
    return;
  }
  for (std::size_t i = 0; i < outputs.size(); ++i)
    fmt::print("{} {}\n", engine->program(batch).outputs[i].name, outputs[i].type().text());
  fmt::print(stderr, "{:.2f} ms; -o FILE.npz keeps the values\n", seconds * 1e3);
}

}  // namespace

void add_run(CLI::App& app) {
  auto flags = std::make_shared<RunFlags>();
  auto* verb = app.add_subcommand("run", "One image or tensors in, classes or an npz file out");
  verb->add_option("model", flags->model, "An ONNX file or a plan")->required();
  verb->add_option("--input,-i", flags->inputs,
                   "An image (JPEG, PNG, BMP, PPM), or .npy, .npz or IDX tensors, by input name or in order")
      ->required();
  verb->add_option(
      "--preprocess", flags->preprocess,
      "How an image becomes the input: a preset (torchvision, caffe, tf, fashion_mnist, raw) and changes to it, "
      "e.g. torchvision,resize=0");
  verb->add_option("--labels", flags->labels, "File of class names, one a line");
  verb->add_option("--top", flags->top, "How many classes to print")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  verb->add_option("--output,-o", flags->output, "Write every output to this .npz file");
  verb->add_option("--precision", flags->precision, "fp32, tf32, bf16 or fp16 for what the model leaves in float")
      ->capture_default_str();
  verb->add_flag("--json", flags->json, "For machines");
  flags->engine.add_to(*verb);
  verb->footer(
      "Example: halftone run resnet50.onnx --input cat.jpg --preprocess torchvision --labels synset_words.txt");
  verb->callback([flags] { run(*flags); });
}

}  // namespace halftone
