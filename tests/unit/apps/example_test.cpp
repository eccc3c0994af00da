#include <nlohmann/json.hpp>

#include "bench/results.h"
#include "data/npz.h"
#include "tests/unit/apps/cli.h"

namespace halftone::tests {
namespace {

using nlohmann::json;

class Example : public Cli {
 protected:
  void SetUp() override {
    if (fashion_mnist().empty()) GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  }
  json evaluate(const std::string& model, std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"eval",    model, "--data", fashion_mnist(), "--preprocess",   "fashion_mnist",
                                 "--limit", "500", "-q",     "--json",        text("eval.json")};
    all.insert(all.end(), more.begin(), more.end());
    succeed(all);
    return json::parse(read_text(path("eval.json"))).at("evaluations");
  }
};

TEST_F(Cli, NamesTheAnkleBoot) {
  const std::string folder = HALFTONE_SOURCE_DIR "/examples/fashion_mnist/";
  const std::vector<std::string> run{"run",          example_model(), "--input",  folder + "ankle_boot.png",
                                     "--preprocess", "fashion_mnist", "--labels", folder + "classes.txt"};
  const auto out = succeed(run);
  EXPECT_NE(out.substr(0, out.find('\n')).find("Ankle boot"), std::string::npos) << out;
  auto as_json = run;
  as_json.insert(as_json.end(), {"--json", "--top", "3"});
  const auto document = json::parse(succeed(as_json));
  ASSERT_EQ(document.at("top").size(), 3U);
  EXPECT_EQ(document.at("top").at(0).at("class"), 9);
  EXPECT_GT(document.at("top").at(0).at("probability"), 0.5);
}

TEST_F(Cli, RunsTensorsByNameAndByNumPysNumbers) {
  Tensor input(DType::f32, {3, 1, 28, 28});
  auto values = input.data<float>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 17) / 17;
  std::vector<std::string> outputs;
  for (const auto* name : {"input", "arr_0"}) {
    write_npz(path("in.npz"), {{name, input}});
    EXPECT_NE(succeed({"run", example_model(), "-i", text("in.npz")}).find("logits f32:3x10"), std::string::npos);
    succeed({"run", example_model(), "-i", text("in.npz"), "-o", text("out.npz")});
    const auto tensors = read_npz(path("out.npz"));
    ASSERT_EQ(tensors.size(), 1U);
    EXPECT_EQ(tensors[0].name, "logits");
    EXPECT_EQ(tensors[0].tensor.shape(), Shape({3, 10}));
    outputs.push_back(read_text(path("out.npz")));
  }
  EXPECT_EQ(outputs[0], outputs[1]);
}

TEST_F(Example, KeepsItsAccuracyInEveryPrecision) {
  const auto results =
      evaluate(example_model(), {"--precision", "fp32,bf16,int8", "--calib", fashion_mnist() + ":train", "--no-tune"});
  ASSERT_EQ(results.size(), 3U);
  for (const auto& result : results) {
    EXPECT_EQ(result.at("images"), 500);
    EXPECT_GE(result.at("top1"), 460) << result.at("precision");  // 92 %
    EXPECT_EQ(result.at("predictions").size(), 500U);
  }
  EXPECT_GE(results.at(1).at("agreement"), 0.98);
  EXPECT_GE(results.at(2).at("agreement"), 0.97);
}

TEST_F(Example, PlanIsAFileThatEvaluatesAlike) {
  succeed({"quantize", example_model(), "-o", text("plan.onnx"), "--calib", fashion_mnist() + ":train", "--limit",
           "100", "--preprocess", "fashion_mnist", "-q"});
  const auto source = evaluate(example_model(), {"--no-tune"}).at(0),
             plan = evaluate(text("plan.onnx"), {"--no-tune"}).at(0);
  EXPECT_EQ(plan.at("precision"), "int8");
  int agree = 0;
  for (std::size_t i = 0; i < 500; ++i) agree += source.at("predictions").at(i) == plan.at("predictions").at(i);
  EXPECT_GE(agree, 485);
  EXPECT_EQ(evaluate(text("plan.onnx"), {"--no-tune"}).at(0).at("predictions"), plan.at("predictions"));
}

TEST_F(Example, StudyWritesResultsReportAndPlan) {
  const auto out = succeed({"study", example_model(), "--data", fashion_mnist(), "--calib", fashion_mnist() + ":train",
                            "--preprocess", "fashion_mnist", "--precision", "fp32,int8", "--limit", "300", "--batch",
                            "1,4", "--seconds", "0.1", "-q", "-o", text("new/study")});
  EXPECT_NE(out.find("report.html"), std::string::npos) << out;
  EXPECT_EQ(listing(path("new/study")), (std::vector<std::string>{"model.int8.onnx", "report.html", "results.json"}));
  const auto results = read_results(path("new/study/results.json"));
  ASSERT_EQ(results.results.size(), 4U);
  for (const auto& result : results.results) {
    EXPECT_GT(result.throughput, 0);
    ASSERT_TRUE(result.accuracy.has_value());
    EXPECT_EQ(result.accuracy->images, 300);
    EXPECT_GE(result.accuracy->top1, 270);
    EXPECT_EQ(result.accuracy->change.has_value(), result.precision == "int8");
  }
  EXPECT_NE(read_text(path("new/study/report.html")).find("</html>"), std::string::npos);
  EXPECT_NE(succeed({"show", text("new/study/model.int8.onnx")}).find("QuantizeLinear"), std::string::npos);
}

TEST_F(Cli, SecondBuildTakesTheTacticsOfTheFirst) {
  const std::vector<std::string> explain{"explain", example_model(), "--json", "--iterations", "2", "-q"};
  const auto first = json::parse(succeed(explain)), second = json::parse(succeed(explain));
  const auto& steps = first.at("steps");
  ASSERT_EQ(steps.size(), second.at("steps").size());
  ASSERT_GT(steps.size(), 5U);
  int measured = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& again = second.at("steps").at(i);
    EXPECT_EQ(steps.at(i).at("problem"), again.at("problem"));
    EXPECT_EQ(steps.at(i).at("tactic"), again.at("tactic"));
    if (steps.at(i).at("source") != "measured") continue;
    ++measured;
    EXPECT_EQ(again.at("source"), "cache");
  }
  EXPECT_GT(measured, 0);
  EXPECT_GT(first.at("seconds"), 0);
}

TEST_F(Cli, ChecksOneOperator) {
  const auto out = succeed({"op", "FusedConv f32:1x9x9x8 f32:16x3x3x8! f32:16! act=relu pads=1*4", "--check"});
  EXPECT_NE(out.find("ok, worst"), std::string::npos) << out;
  EXPECT_EQ(out.find("WRONG"), std::string::npos) << out;
}

TEST_F(Cli, HelpOfEveryVerbHasAnExample) {
  std::vector<std::string> verbs;
#define HALFTONE_VERB(function) verbs.push_back(std::string(#function).substr(4));
#include "apps/verbs.def"
#undef HALFTONE_VERB
  const auto all = succeed({"--help"});
  for (const auto& verb : verbs) {
    EXPECT_NE(all.find("\n  " + verb), std::string::npos) << verb;
    EXPECT_NE(succeed({verb, "--help"}).find("Example: halftone " + verb), std::string::npos) << verb;
  }
}

}  // namespace
}  // namespace halftone::tests
