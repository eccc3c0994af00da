#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <sstream>

#include "cpu/cpu_backend.h"
#include "data/npy.h"
#include "onnx/reader.h"
#include "onnx/writer.h"
#include "quant/accuracy.h"
#include "quant/quantize.h"
#include "tests/unit/quant/pictures.h"

namespace halftone {
namespace {

constexpr std::size_t kImages = 400;  // a multiple of the script's batch

/// Other engines, in the Python that HALFTONE_PEERS_PYTHON names.
class WithPython : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("HALFTONE_DATA");
    if (!folder) GTEST_SKIP() << "HALFTONE_DATA does not name the folder of real models and images";
    const char* interpreter = std::getenv("HALFTONE_PEERS_PYTHON");
    if (!interpreter) GTEST_SKIP() << "HALFTONE_PEERS_PYTHON names no Python with other engines";
    data = folder;
    python = interpreter;
    std::string name = (std::filesystem::temp_directory_path() / "halftone-peers-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    scratch = name;
  }
  void TearDown() override {
    std::error_code error;
    if (!scratch.empty()) std::filesystem::remove_all(scratch, error);
  }

  /// Runs a script beside this file; false where what it needs is not installed.
  bool run(const std::string& script, const std::string& arguments, std::string* output) const {
    const auto command =
        fmt::format("'{}' '{}/tests/unit/quant/{}' {}", python, HALFTONE_SOURCE_DIR, script, arguments);
    FILE* pipe = ::popen(command.c_str(), "r");
    for (int letter = 0; pipe && (letter = std::fgetc(pipe)) != EOF;) *output += static_cast<char>(letter);
    const int status = pipe ? ::pclose(pipe) : -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 3) return false;
    EXPECT_EQ(status, 0) << command;
    return true;
  }

  /// The peer's answers on scratch/images.npy, or nothing where it is not installed.
  std::vector<std::int32_t> answers(const std::string& engine, const std::string& plan) const {
    std::string output;
    run("peer_answers.py",
        fmt::format("{} '{}' '{}'", engine, (scratch / plan).string(), (scratch / "images.npy").string()), &output);
    std::istringstream numbers(output);
    return {std::istream_iterator<std::int32_t>(numbers), {}};
  }

  struct Comparison {
    double same = 0, ours = 0, theirs = 0;  // percent: the same answer, right here, right there
  };
  Evaluation run_here(const Graph& plan, const Dataset& images, const Preprocess& preprocess) const {
    BuildOptions options;
    options.batches = {10};
    options.tune = false;
    options.cache.clear();
    return evaluate_accuracy(build(plan, backend, options), images, preprocess);
  }

  static Comparison compare(const std::vector<std::int32_t>& theirs, const Evaluation& ours, const Dataset& images) {
    EXPECT_EQ(theirs.size(), ours.predictions.size());
    std::int64_t same = 0, right = 0;
    for (std::size_t i = 0; i < std::min(theirs.size(), ours.predictions.size()); ++i) {
      same += theirs[i] == ours.predictions[i];
      right += theirs[i] == *images.items()[i].label;
    }
    const auto share = [](std::int64_t count) { return 100.0 * static_cast<double>(count) / kImages; };
    return {share(same), share(ours.top1), share(right)};
  }

  std::shared_ptr<Backend> backend = make_cpu_backend();
  std::string data, python;
  std::filesystem::path scratch;
};

/// (model, engine)
class Peers : public WithPython, public ::testing::WithParamInterface<std::tuple<const char*, const char*>> {};

TEST_P(Peers, AgreeWithUsOnOurPlan) {
  const auto [name, engine] = GetParam();
  const Graph graph = read_onnx(data + "/models/" + name + ".onnx");
  const std::string_view model = name;
  auto preprocess = parse_preprocess(model == "squeezenet1.1"  ? "caffe"
                                     : model == "mobilenet_v2" ? "tf"
                                                               : "torchvision,resize=0");
  preprocess.fit_to(graph.value(graph.inputs.front()).type.shape.dims());
  const auto plan =
      quantize(calibrate(graph, backend, open_dataset(data + "/imagenet-calib500").evenly_spaced(100), preprocess))
          .graph;
  write_onnx(plan, scratch / "plan.onnx");
  const auto images = open_dataset(data + "/imagenet-val650").evenly_spaced(kImages);
  write_npy(scratch / "images.npy", tests::batch_of(images, preprocess));
  const auto theirs = answers(engine, "plan.onnx");
  if (theirs.empty()) GTEST_SKIP() << engine << " is not installed beside HALFTONE_PEERS_PYTHON";
  const auto both = compare(theirs, run_here(plan, images, preprocess), images);
  // No sum of a plan comes near the middle of two steps (quant/lattice.h), so that all engines round alike.
  EXPECT_GE(both.same, 99.7);
  EXPECT_NEAR(both.ours, both.theirs, 0.3);
}

/// (activations, weights per, bias)
class ThirdParty : public WithPython,
                   public ::testing::WithParamInterface<std::tuple<const char*, const char*, const char*>> {};

TEST_P(ThirdParty, QuantisersFilesRunInEightBitsThroughoutAndAgree) {
  const auto [activations, channels, bias] = GetParam();
  const auto model = data + "/models/resnet18.onnx";
  auto preprocess = parse_preprocess("torchvision,resize=0,crop=224");
  write_npy(scratch / "calib.npy",
            tests::batch_of(open_dataset(data + "/imagenet-calib500").evenly_spaced(8), preprocess));
  std::string said;
  if (!run("peer_quantize.py",
           fmt::format("'{}' '{}' '{}' {} {} {} 2>/dev/null", model, (scratch / "calib.npy").string(),
                       (scratch / "theirs.onnx").string(), activations, channels, bias),
           &said))
    GTEST_SKIP() << "ONNX Runtime's quantizer, which needs onnx too, is not installed beside HALFTONE_PEERS_PYTHON";
  const Graph plan = read_onnx(scratch / "theirs.onnx");
  BuildOptions options;
  options.batches = {1};
  options.tune = false;
  options.cache.clear();
  const auto engine = build(plan, backend, options);
  std::size_t products = 0;
  for (const auto& step : engine->program(1).steps) {
    EXPECT_NE(step.problem.op, "Relu") << step.problem.text();
    EXPECT_NE(step.problem.op, "Add") << step.problem.text();
    if (step.problem.op != "FusedConv") continue;
    ++products;
    EXPECT_EQ(size_of(step.problem.input(0).dtype), 1u) << step.problem.text();
    EXPECT_EQ(size_of(step.problem.output().dtype), 1u) << step.problem.text();
  }
  EXPECT_EQ(products, 21u);
  EXPECT_LE(engine->program(1).steps.size(), 28u);

  const auto images = open_dataset(data + "/imagenet-val650").evenly_spaced(kImages);
  write_npy(scratch / "images.npy", tests::batch_of(images, preprocess));
  // Where such a file rounds a sum's operand and then the sum, we round once.
  const auto ours = run_here(plan, images, preprocess);
  const auto once = compare(answers("onnxruntime", "theirs.once.onnx"), ours, images);
  EXPECT_GE(once.same, 98);
  EXPECT_NEAR(once.ours, once.theirs, 1);
  EXPECT_GE(compare(answers("onnxruntime", "theirs.onnx"), ours, images).same, 96);
}

INSTANTIATE_TEST_SUITE_P(
    Files, ThirdParty,
    ::testing::Values(std::make_tuple("u8", "tensor", "bias"), std::make_tuple("u8", "channel", "plain"),
                      std::make_tuple("s8", "tensor", "plain"), std::make_tuple("s8", "channel", "bias")),
    [](const auto& info) {
      return fmt::format("{}_per_{}_{}", std::get<0>(info.param), std::get<1>(info.param), std::get<2>(info.param));
    });

INSTANTIATE_TEST_SUITE_P(Plans, Peers,
                         ::testing::Combine(::testing::Values("resnet18", "squeezenet1.1", "mobilenet_v2"),
                                            ::testing::Values("onnxruntime", "openvino")),
                         [](const auto& info) {
                           std::string name = std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param);
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace halftone
