#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

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

/// Our plan in another engine: (model, engine). HALFTONE_PEERS_PYTHON names a Python that has them.
class Peers : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("HALFTONE_DATA");
    if (!folder) GTEST_SKIP() << "HALFTONE_DATA does not name the folder of real models and images";
    const char* interpreter = std::getenv("HALFTONE_PEERS_PYTHON");
    if (!interpreter) GTEST_SKIP() << "HALFTONE_PEERS_PYTHON does not name a Python with " << std::get<1>(GetParam());
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

  /// The peer's answers, or nothing where it is not installed.
  std::vector<std::int32_t> answers(const std::string& engine) const {
    const auto command =
        fmt::format("'{}' '{}/tests/unit/quant/peer_answers.py' {} '{}' '{}'", python, HALFTONE_SOURCE_DIR, engine,
                    (scratch / "plan.onnx").string(), (scratch / "images.npy").string());
    std::vector<std::int32_t> result;
    FILE* pipe = ::popen(command.c_str(), "r");
    for (int number = 0; pipe && std::fscanf(pipe, "%d", &number) == 1;) result.push_back(number);
    const int status = pipe ? ::pclose(pipe) : -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 3) result.clear();
    else EXPECT_EQ(status, 0) << command;
    return result;
  }

  std::string data, python;
  std::filesystem::path scratch;
};

TEST_P(Peers, AgreeWithUsOnOurPlan) {
  const auto [name, engine] = GetParam();
  const bool small = std::string_view(name) == "squeezenet1.1";
  const auto backend = make_cpu_backend();
  const Graph graph = read_onnx(data + "/models/" + name + ".onnx");
  auto preprocess = parse_preprocess(small ? "caffe" : "torchvision,resize=0");
  preprocess.fit_to(graph.value(graph.inputs.front()).type.shape.dims());
  const auto calibrated =
      calibrate(graph, backend, open_dataset(data + "/imagenet-calib500").evenly_spaced(100), preprocess);
  const auto plan = quantize(calibrated).graph;
  write_onnx(plan, scratch / "plan.onnx");
  const auto images = open_dataset(data + "/imagenet-val650").evenly_spaced(kImages);
  write_npy(scratch / "images.npy", tests::batch_of(images, preprocess));
  const auto theirs = answers(engine);
  if (theirs.empty()) GTEST_SKIP() << engine << " is not installed beside HALFTONE_PEERS_PYTHON";
  BuildOptions options;
  options.batches = {10};
  options.tune = false;
  options.cache.clear();
  const auto ours = evaluate_accuracy(build(plan, backend, options), images, preprocess);
  ASSERT_EQ(theirs.size(), ours.predictions.size());
  std::int64_t same = 0, right = 0;
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    same += theirs[i] == ours.predictions[i];
    right += theirs[i] == *images.items()[i].label;
  }
  const auto share = [](std::int64_t count) { return 100.0 * static_cast<double>(count) / kImages; };
  EXPECT_GE(share(same), 98.5);
  EXPECT_NEAR(share(right), share(ours.top1), 0.5);
}

INSTANTIATE_TEST_SUITE_P(Plans, Peers,
                         ::testing::Combine(::testing::Values("resnet18", "squeezenet1.1"),
                                            ::testing::Values("onnxruntime", "openvino")),
                         [](const auto& info) {
                           std::string name = std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param);
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace halftone
