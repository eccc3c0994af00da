#include <nlohmann/json.hpp>

#include "tests/unit/apps/cli.h"

namespace halftone::tests {
namespace {

class BadData : public Cli {
 protected:
  std::vector<std::string> eval(const std::string& data, std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"eval",         example_model(), "--data", data,
                                 "--preprocess", "fashion_mnist", "-q",     "--no-tune",
                                 "--json",       text("out.json")};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  void refuse_eval(const std::string& data, int status, const std::vector<std::string>& words,
                   std::vector<std::string> more = {}) const {
    refuse(eval(data, std::move(more)), status, words);
    EXPECT_FALSE(std::filesystem::exists(path("out.json")));
  }
};

TEST_F(BadData, HasPicturesThatCannotBeRead) {
  const auto images = pictures("images", 6);
  const auto whole = read_text(path("images/2.pgm"));
  write_text(path("images/2.pgm"), whole.substr(0, 300));
  write_text(path("images/4.pgm"), "not a picture");
  refuse_eval(images, 3, {"2.pgm"});
  refuse(
      {"quantize", example_model(), "-o", text("plan.onnx"), "--calib", images, "--preprocess", "fashion_mnist", "-q"},
      3, {"2.pgm"});
  EXPECT_FALSE(std::filesystem::exists(path("plan.onnx")));
  refuse({"run", example_model(), "-i", images + "/4.pgm", "--preprocess", "fashion_mnist"}, 3, {"4.pgm"});

  const auto outcome = halftone(eval(images, {"--skip-unreadable"}));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("skipped " + images + "/2.pgm"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("skipped " + images + "/4.pgm"), std::string::npos) << outcome.err;
  const auto result = nlohmann::json::parse(read_text(path("out.json"))).at("evaluations").at(0);
  EXPECT_EQ(result.at("images"), 4);
  EXPECT_EQ(result.at("skipped"), 2);
  EXPECT_EQ(result.at("predictions").at(2), -1);
  const auto quantised = halftone({"quantize", example_model(), "-o", text("plan.onnx"), "--calib", images,
                                   "--preprocess", "fashion_mnist", "-q", "--skip-unreadable"});
  EXPECT_EQ(quantised.status, 0);
  EXPECT_NE(quantised.out.find("on 4 images"), std::string::npos) << quantised.out;
}

TEST_F(BadData, HasNotOnePictureThatCanBeRead) {
  const auto images = pictures("images", 2);
  for (const auto* name : {"images/0.pgm", "images/1.pgm"}) write_text(path(name), "no");
  refuse_eval(images, 3, {images, "none of the images could be read"}, {"--skip-unreadable"});
}

TEST_F(BadData, HasLabelsThatDoNotMatch) {
  const auto images = pictures("images", 3);
  const auto labels = [&](const std::string& lines) { write_text(path("images/labels.txt"), lines); };
  labels("0.pgm 1\n1.pgm 10\n2.pgm 3\n");
  refuse_eval(images, 2, {"1.pgm", "10"});
  labels("0.pgm 1\n1.pgm 2\n");
  refuse_eval(images, 2, {"labels.txt", "2.pgm"});
  labels("0.pgm 1\n1.pgm 2\n2.pgm 3\n3.pgm 3\n");
  refuse_eval(images, 2, {"labels.txt", "3.pgm"});
  labels("0.pgm 1\n1.pgm cat\n2.pgm 3\n");
  refuse_eval(images, 2, {"labels.txt", "line 2"});
  std::filesystem::remove(path("images/labels.txt"));
  refuse_eval(images, 2, {images, "no labels"});
  refuse({"study", example_model(), "--data", images, "--preprocess", "fashion_mnist", "-q", "-o", text("out")}, 2,
         {images, "no labels"});
  EXPECT_FALSE(std::filesystem::exists(path("out")));
}

TEST_F(BadData, IsNotThere) {
  std::filesystem::create_directory(path("empty"));
  const auto images = pictures("images", 2);
  refuse_eval(text("missing"), 5, {"missing"});
  refuse_eval(text("empty"), 2, {"empty", "no pictures"});
  for (const auto& [calib, status, word] :
       {std::tuple{text("empty"), 2, "no pictures"}, {text("missing"), 5, "no such file"}}) {
    refuse(
        {"quantize", example_model(), "-o", text("plan.onnx"), "--calib", calib, "--preprocess", "fashion_mnist", "-q"},
        status, {calib, word});
    EXPECT_FALSE(std::filesystem::exists(path("plan.onnx")));
    refuse({"study", example_model(), "--data", images, "--calib", calib, "--preprocess", "fashion_mnist", "-q", "-o",
            text("out/of/here")},
           status, {calib, word});
    EXPECT_FALSE(std::filesystem::exists(path("out")));
  }
}

TEST_F(BadData, AsksForWhatThereIsNot) {
  const auto images = pictures("images", 2);
  refuse_eval(images, 2, {"--calib"}, {"--precision", "fp32,int8"});
  refuse({"study", example_model(), "--data", images, "--preprocess", "fashion_mnist", "-q", "-o", text("out")}, 2,
         {"--calib"});
  EXPECT_FALSE(std::filesystem::exists(path("out")));
  refuse_eval(images, 2, {"precision 'fp99'", "bf16"}, {"--precision", "fp99"});
  refuse_eval(images, 2, {"method 'guess'", "entropy"}, {"--method", "guess"});
  refuse({"run", example_model(), "-i", images + "/0.pgm", "--preprocess", "blur"}, 2, {"blur", "torchvision"});
  refuse({"run", example_model(), "-i", images + "/0.pgm", "--preprocess", "torchvision"}, 2, {"channels"});
  refuse({"run", example_model(), "-i", images + "/0.pgm"}, 2, {"--preprocess"});
  refuse({"run", example_model(), "-i", images, "--preprocess", "fashion_mnist"}, 2, {images, "one at a time"});
  refuse({"run", example_model(), "-i", images + "/0.pgm", "--preprocess", "fashion_mnist", "--precision", "int8"}, 2,
         {"not quantised"});
  refuse({"explain", example_model(), "--precision", "int8"}, 2, {"not quantised"});
  refuse({"explain", example_model(), "--precision", "fp32,bf16"}, 2, {"one at a time"});
  refuse({"explain", example_model(), "--iterations", "0"}, 2, {"--iterations"});
  for (const auto* batch : {"0", "two", "-1", "1,,4", "99999999999999999999", "8-4"})
    refuse({"bench", example_model(), "--batch", batch}, 2, {"batch"});
  refuse({"explain", example_model(), "--batch", "0"}, 2, {"--batch"});
  refuse({"bench", example_model(), "--threads", "-1"}, 2, {"--threads"});
  refuse({"bench", example_model(), "--device", "cuda:99"}, 5, {"99"});
  refuse({"run", example_model(), "-i", images + "/0.pgm", "--preprocess", "fashion_mnist", "--device", "abacus"}, 5,
         {"abacus", "cpu"});
  refuse({"op", "Conv f32:1x3x8x8"}, 3, {"Conv"});
  refuse({"op", "Wobble f32:1"}, 4, {"Wobble"});
  refuse({"op", "Relu f32:2x3", "--kernels-off", "nothing"}, 5, {"kernel 'nothing'"});
  refuse({"explain", example_model(), "--kernels-off", "nothing", "-q"}, 5, {"kernel 'nothing'"});
  refuse({"explain", example_model(), "--passes-off", "nothing", "-q"}, 2, {"pass 'nothing'"});
  refuse({"zoo", "resnet19", "-o", text("out.onnx")}, 5, {"resnet19", "resnet18"});
  refuse({"eval", example_model()}, 2, {"eval", "--data", "--help"});
  refuse({"bench", example_model(), "--colour", "red"}, 2, {"--colour"});
  refuse({"frobnicate"}, 2, {"no verb 'frobnicate'", "--help"});
  refuse({}, 2, {"--help"});
}

}  // namespace
}  // namespace halftone::tests
