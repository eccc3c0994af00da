#include <filesystem>
#include <nlohmann/json.hpp>

#include "data/npz.h"
#include "onnx/proto.h"
#include "tests/unit/apps/cli.h"

namespace halftone::tests {
namespace {

class Quantize : public Cli {
 protected:
  std::vector<std::string> automatic(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments{"quantize", example_model(), "-o",           text("plan.onnx"),
                                       "--calib",  text("images"),  "--preprocess", "fashion_mnist",
                                       "-q",       "--no-tune",     "--precision",  "auto"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

TEST_F(Quantize, AutoNeedsLabelledData) {
  pictures("images", 6);
  refuse(automatic({}), 2, {"--precision auto", "--data"});
  std::filesystem::copy(path("images"), path("bare"));
  std::filesystem::remove(path("bare") / "labels.txt");
  refuse(automatic({"--data", text("bare")}), 2, {text("bare"), "no labels"});
  EXPECT_FALSE(std::filesystem::exists(path("plan.onnx")));
}

TEST_F(Quantize, AutoSaysTheNearestWhereNoPlanMeetsTheDrop) {
  const auto images = pictures("images", 6);
  refuse(automatic({"--data", images, "--max-drop", "-50"}), 4, {"-50.00 points", "the nearest"});
  EXPECT_FALSE(std::filesystem::exists(path("plan.onnx")));
  refuse(automatic({"--data", images, "--among", "int8,fp8"}), 2, {"fp8", "mixed"});
  refuse(automatic({"--data", images, "--among", "bf16,fp16,fp32"}), 2, {"fp16", "mixed"});
  refuse(automatic({"--data", images, "--fp8"}), 4, {"cpu", "no products of 8-bit floats"});
  refuse({"quantize", example_model(), "-o", text("plan.onnx"), "--calib", images, "--preprocess", "fashion_mnist",
          "--fp8", "--precision", "int8"},
         2, {"--fp8", "contradict"});
}

TEST_F(Quantize, AutoWritesAPlanAPageAndTheTable) {
  const auto images = pictures("images", 12);
  const auto out = succeed(automatic({"--data", images, "--max-drop", "100", "--report", text("page.html"), "--json",
                                      text("table.json"), "--kernels-off", "onednn.conv"}));
  EXPECT_NE(out.find("the plan"), std::string::npos);
  EXPECT_NE(out.find("without onednn.conv"), std::string::npos);
  EXPECT_NE(out.find("confidence"), std::string::npos);
  EXPECT_NE(read_text(path("page.html")).find("<svg"), std::string::npos);
  const auto table = nlohmann::json::parse(read_text(path("table.json")));
  ASSERT_FALSE(table.at("layers").empty());
  for (const auto& layer : table.at("layers")) EXPECT_EQ(layer.at("chosen"), "int8");
  succeed({"run", text("plan.onnx"), "-i", images + "/0.pgm", "--preprocess", "fashion_mnist", "--no-tune"});
  refuse({"quantize", text("plan.onnx"), "-o", text("again.onnx"), "--calib", images, "--preprocess", "fashion_mnist",
          "--precision", "auto", "--data", images, "-q"},
         2, {"plan.onnx", "quantised already"});
}

TEST_F(Quantize, TheMethodFollowsTheActivationsUnlessOneIsAskedFor) {
  const auto images = pictures("images", 4);
  const auto made_by = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"quantize",     example_model(), "-o", text("plan.onnx"), "--calib", images,
                                       "--preprocess", "fashion_mnist", "-q"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return succeed(arguments);
  };
  EXPECT_NE(made_by({}).find("calibrated by entropy"), std::string::npos);
  EXPECT_NE(made_by({"--symmetric"}).find("calibrated by mse"), std::string::npos);
  EXPECT_NE(made_by({"--symmetric", "--method", "minmax"}).find("calibrated by minmax"), std::string::npos);
}

TEST_F(Quantize, WarnsOfBlackCalibrationImages) {
  pictures("images", 3);
  for (int i = 0; i < 3; ++i)
    write_text(path("images") / (std::to_string(i) + ".pgm"), "P5\n28 28\n255\n" + std::string(28 * 28, '\0'));
  const auto outcome = halftone({"quantize", example_model(), "-o", text("plan.onnx"), "--calib", text("images"),
                                 "--preprocess", "fashion_mnist", "-q"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("warning: " + text("images") + ": all of 3 calibration images are black"),
            std::string::npos)
      << outcome.err;
}

TEST_F(Quantize, RefusesScalesAndZeroPointsThatMakeNoSense) {
  const auto images = pictures("images", 4);
  succeed({"quantize", example_model(), "-o", text("plan.onnx"), "--calib", images, "--preprocess", "fashion_mnist"});
  onnx::ModelProto whole;
  ASSERT_TRUE(whole.ParseFromString(read_text(path("plan.onnx"))));
  std::string scale;
  for (const auto& node : whole.graph().node())
    if (node.op_type() == "QuantizeLinear") scale = node.input(1);
  ASSERT_FALSE(scale.empty());
  for (const float value : {0.0f, -0.5f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    auto broken = whole;
    for (auto& tensor : *broken.mutable_graph()->mutable_initializer())
      if (tensor.name() == scale) tensor.set_raw_data(std::string(reinterpret_cast<const char*>(&value), sizeof value));
    write_text(path("broken.onnx"), broken.SerializeAsString());
    refuse({"show", text("broken.onnx")}, 3, {"broken.onnx", scale, "positive number"});
  }
  auto broken = whole;
  for (auto& node : *broken.mutable_graph()->mutable_node()) {
    if (node.op_type() != "DequantizeLinear" || node.input_size() > 2) continue;  // an i32 bias
    auto* zero = broken.mutable_graph()->add_initializer();
    zero->set_name("odd_zero");
    zero->set_data_type(onnx::TensorProto::INT32);
    const std::int32_t seven = 7;
    std::string bytes;
    for (const auto& tensor : whole.graph().initializer())
      if (tensor.name() == node.input(1)) {
        *zero->mutable_dims() = tensor.dims();
        for (std::int64_t i = 0; i < (tensor.dims_size() ? tensor.dims(0) : 1); ++i)
          bytes.append(reinterpret_cast<const char*>(&seven), sizeof seven);
      }
    zero->set_raw_data(bytes);
    node.add_input("odd_zero");
    break;
  }
  write_text(path("broken.onnx"), broken.SerializeAsString());
  refuse({"show", text("broken.onnx")}, 3, {"broken.onnx", "odd_zero", "32-bit"});
}

TEST_F(Quantize, DiffComparesAModelWithItsPlan) {
  const auto images = pictures("images", 8);
  succeed({"quantize", example_model(), "-o", text("plan.onnx"), "--calib", images, "--preprocess", "fashion_mnist"});
  const auto out = succeed({"diff", example_model(), text("plan.onnx"), "--data", images, "--preprocess",
                            "fashion_mnist", "-q", "--json", text("diff.json")});
  EXPECT_NE(out.find("same answer on"), std::string::npos) << out;
  const auto diff = nlohmann::json::parse(read_text(path("diff.json")));
  EXPECT_EQ(diff.at("images"), 8);
  EXPECT_GT(diff.at("tensors").size(), 3u);
  for (const auto& tensor : diff.at("tensors")) EXPECT_GT(tensor.at("snr_db").get<double>(), 10) << tensor;
  refuse({"diff", example_model(), text("plan.onnx"), "--data", images, "--preprocess", "torchvision,crop=8", "-q"}, 2,
         {"channels"});
}

}  // namespace
}  // namespace halftone::tests
