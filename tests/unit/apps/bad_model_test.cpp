#include "data/npz.h"
#include "onnx/proto.h"
#include "tests/unit/apps/cli.h"

namespace halftone::tests {
namespace {

class BadModel : public Cli {
 protected:
  /// Every verb that reads a model says the same of a bad one.
  void refuse_everywhere(const std::string& model, int status, std::vector<std::string> words) const {
    words.push_back(model);
    const auto images = pictures("images", 2);
    refuse({"show", model}, status, words);
    refuse({"explain", model, "-q"}, status, words);
    refuse({"bench", model, "-q", "--json", text("out.json")}, status, words);
    refuse({"run", model, "-i", images + "/0.pgm", "--preprocess", "fashion_mnist", "-o", text("out.npz")}, status,
           words);
    refuse({"eval", model, "--data", images, "--preprocess", "fashion_mnist", "-q"}, status, words);
    refuse({"quantize", model, "-o", text("out.onnx"), "--calib", images, "--preprocess", "fashion_mnist", "-q"},
           status, words);
    refuse({"study", model, "--data", images, "--preprocess", "fashion_mnist", "-q", "-o", text("out")}, status, words);
    for (const auto* made : {"out", "out.json", "out.npz", "out.onnx"})
      EXPECT_FALSE(std::filesystem::exists(path(made)));
  }
};

TEST_F(BadModel, IsNotThereOrAFolderOrEmpty) {
  refuse_everywhere(text("missing.onnx"), 5, {"no such file"});
  std::filesystem::create_directory(path("folder.onnx"));
  refuse({"show", text("folder.onnx")}, 5, {"folder.onnx", "is a directory"});
  write_text(path("empty.onnx"), "");
  refuse({"show", text("empty.onnx")}, 3, {"empty.onnx", "empty"});
}

TEST_F(BadModel, IsCutShort) {
  const auto whole = read_text(example_model());
  for (const double share : {0.001, 0.3, 0.9, 0.9999}) {
    write_text(path("cut.onnx"), whole.substr(0, static_cast<std::size_t>(share * static_cast<double>(whole.size()))));
    refuse({"show", text("cut.onnx")}, 3, {"cut.onnx"});
  }
}

TEST_F(BadModel, HasFlippedBits) {
  // A flip may hit a weight or a name and change nothing that can be seen; it must never crash or talk at length.
  const auto whole = read_text(example_model());
  int refused = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    auto bytes = whole;
    // Half of them in the first kilobytes, where the structure is dense.
    const auto at = i % 2 == 0 ? i * 97 % 4096 : i * 20011 % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (i % 8)));
    write_text(path("flipped.onnx"), bytes);
    const auto outcome = halftone({"show", text("flipped.onnx")});
    EXPECT_TRUE(outcome.status == 0 || outcome.status == 3 || outcome.status == 4 || outcome.status == 6)
        << "byte " << at << ": " << outcome.status << " " << outcome.err;
    if (outcome.status == 0) continue;
    ++refused;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_NE(outcome.err.find("flipped.onnx"), std::string::npos) << outcome.err;
  }
  EXPECT_GT(refused, 0);
}

TEST_F(BadModel, HasOperatorsNobodyKnows) {
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(read_text(example_model())));
  model.mutable_graph()->mutable_node(0)->set_op_type("Wobble");
  model.mutable_graph()->mutable_node(2)->set_op_type("Quiver");
  write_text(path("unknown.onnx"), model.SerializeAsString());
  refuse_everywhere(text("unknown.onnx"), 4, {"Wobble", "Quiver", model.graph().node(0).name()});
}

TEST_F(BadModel, IsQuantisedAlready) {
  const auto images = pictures("images", 4);
  succeed({"quantize", example_model(), "-o", text("plan.onnx"), "--calib", images, "--preprocess", "fashion_mnist"});
  refuse({"quantize", text("plan.onnx"), "-o", text("twice.onnx"), "--calib", images, "--preprocess", "fashion_mnist",
          "-q"},
         2, {"plan.onnx", "quantised already"});
  EXPECT_FALSE(std::filesystem::exists(path("twice.onnx")));
  refuse({"eval", text("plan.onnx"), "--data", images, "--preprocess", "fashion_mnist", "-q", "--precision", "bf16"}, 2,
         {"quantised", "bf16"});
  refuse({"bench", text("plan.onnx"), "--precision", "fp32"}, 2, {"plan.onnx", "fp32"});
}

TEST_F(BadModel, GetsTensorsThatDoNotFit) {
  const auto run = [&](const std::vector<NamedTensor>& tensors, int status, const std::vector<std::string>& words) {
    write_npz(path("in.npz"), tensors);
    refuse({"run", example_model(), "-i", text("in.npz"), "-o", text("out.npz")}, status, words);
    EXPECT_FALSE(std::filesystem::exists(path("out.npz")));
  };
  run({{"image", Tensor(DType::f32, {1, 1, 28, 28})}}, 2, {"no input 'image'", "input"});
  run({{"input", Tensor(DType::f64, {1, 1, 28, 28})}}, 2, {"input", "f64", "f32"});
  run({{"input", Tensor(DType::f32, {1, 1, 28, 27})}}, 2, {"input", "1x1x28x27"});
  run({{"input", Tensor(DType::f32, {28, 28})}}, 2, {"input", "28x28"});
  run({{"input", Tensor(DType::f32, {0, 1, 28, 28})}}, 2, {"input", "0x1x28x28"});
  run({{"input", Tensor(DType::f32, {1, 1, 28, 28})}, {"more", Tensor(DType::f32, {1})}}, 2, {"1 inputs", "2 tensors"});
  write_text(path("in.npz"), read_text(path("in.npz")).substr(0, 100));
  refuse({"run", example_model(), "-i", text("in.npz")}, 3, {"in.npz"});
  refuse({"run", example_model(), "-i", text("none.npz")}, 5, {"none.npz"});
}

}  // namespace
}  // namespace halftone::tests
