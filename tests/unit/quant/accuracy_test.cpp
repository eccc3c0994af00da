#include "quant/accuracy.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cpu/cpu_backend.h"
#include "onnx/reader.h"
#include "quant/quantize.h"

namespace halftone {
namespace {

/// Real models on real images against what ONNX Runtime answered (tests/data/ort_predictions.json says how).
class RealAccuracy : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("HALFTONE_DATA");
    if (!folder) GTEST_SKIP() << "HALFTONE_DATA does not name the folder of real models and images";
    data = folder;
    std::ifstream file(HALFTONE_SOURCE_DIR "/tests/data/ort_predictions.json");
    const auto golden = nlohmann::json::parse(file);
    labels = golden.at("labels").get<std::vector<std::int64_t>>();
    const auto& model = golden.at("models").at(GetParam());
    theirs = model.at("predictions").get<std::vector<std::int32_t>>();
    graph = read_onnx(data + "/models/" + GetParam() + ".onnx");
    preprocess = parse_preprocess(model.at("preprocess").get<std::string>());
    preprocess.fit_to(graph.value(graph.inputs.front()).type.shape.dims());
  }

  std::vector<std::int32_t> predict(const Graph& of, const Dataset& images) const {
    BuildOptions options;
    options.batches = {10};
    options.tune = false;
    options.cache.clear();
    return evaluate_accuracy(build(of, backend, options), images, preprocess).predictions;
  }

  std::string data;
  std::vector<std::int64_t> labels;
  std::vector<std::int32_t> theirs;
  Graph graph;
  Preprocess preprocess;
  std::shared_ptr<Backend> backend = make_cpu_backend();
};

double agreement(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  Evaluation x, y;
  x.predictions = a;
  y.predictions = b;
  return x.agreement(y);
}

class Fp32Accuracy : public RealAccuracy {};
class Int8Accuracy : public RealAccuracy {};

TEST_P(Fp32Accuracy, EqualsOnnxRuntimeToWithinAnImage) {
  const auto all = open_dataset(data + "/imagenet-val650");
  ASSERT_EQ(all.size(), labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) ASSERT_EQ(all.items()[i].label, labels[i]) << i;
  const std::size_t count = std::string_view(GetParam()) == "resnet50" ? 130 : 650;  // the larger network takes longer
  const auto ours = predict(graph, all.evenly_spaced(count));
  ASSERT_EQ(ours.size(), count);
  std::int64_t right = 0, right_there = 0, differ = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = i * labels.size() / count;
    right += ours[i] == labels[at];
    right_there += theirs[at] == labels[at];
    differ += ours[i] != theirs[at];
  }
  EXPECT_LE(std::abs(right - right_there), 1) << right << " right here, " << right_there << " there";
  EXPECT_LE(differ, static_cast<std::int64_t>(count / 100)) << "answers that are not the same";
}

TEST_P(Int8Accuracy, AgreesWithFp32AndRepeatsItself) {
  const auto images = open_dataset(data + "/imagenet-val650").evenly_spaced(130);
  const auto plan =
      quantize(calibrate(graph, backend, open_dataset(data + "/imagenet-calib500").evenly_spaced(100), preprocess))
          .graph;
  const auto once = predict(plan, images), twice = predict(plan, images);
  EXPECT_EQ(once, twice);
  EXPECT_GE(agreement(once, predict(graph, images)), 0.9);
}

std::string test_name(const ::testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Models, Fp32Accuracy,
                         ::testing::Values("resnet18", "resnet50", "squeezenet1.1", "mobilenet_v2"), test_name);
INSTANTIATE_TEST_SUITE_P(Models, Int8Accuracy, ::testing::Values("resnet18", "squeezenet1.1", "mobilenet_v2"),
                         test_name);

}  // namespace
}  // namespace halftone
