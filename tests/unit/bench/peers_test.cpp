#include "bench/peers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "bench/child.h"
#include "bench/statistics.h"

namespace halftone {
namespace {

std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(Child, SpeaksInLinesAndBytes) {
  Child cat("cat", {});
  cat.write("one line\nand \x01\x02\x03");
  EXPECT_EQ(cat.read_line(), "one line");
  std::array<std::byte, 7> bytes{};
  cat.read(bytes);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), 7), "and \x01\x02\x03");
  EXPECT_GE(cat.cpu_seconds(), 0);
}

TEST(Child, SaysHowItEnded) {
  EXPECT_NE(refusal([] { Child child("no-such-program-here", {}); }).find("cannot start 'no-such-program-here'"),
            std::string::npos);
  Child fails("sh", {"-c", "exit 3"});
  EXPECT_EQ(refusal([&] { fails.read_line(); }), "sh ended with code 3 before its work was done");
  Child dies("sh", {"-c", "kill -9 $$"});
  EXPECT_EQ(refusal([&] { dies.read_line(); }), "sh was ended by signal 9");
}

TEST(Peers, NamesAreKnownOrRefused) {
  EXPECT_EQ(peer_name("ort"), "onnxruntime");
  EXPECT_EQ(peer_name("pytorch"), "torch");
  EXPECT_EQ(peer_name("tf"), "tensorflow");
  EXPECT_NE(refusal([] { peer_name("tensorrt"); }).find("ort, openvino, torch and tensorflow are known"),
            std::string::npos);
}

TEST(Peers, OutputsAreComparedByTheSizeOfTheirDifference) {
  const auto ours = Tensor::from<float>({2, 2}, {3, 0, 0, 4});
  const auto same = [&](const Tensor& theirs) { return output_difference(std::span(&ours, 1), std::span(&theirs, 1)); };
  EXPECT_EQ(same(ours), 0);
  EXPECT_NEAR(same(Tensor::from<float>({4}, {3, 0, 0, 4.5})), 0.1, 1e-6);
  EXPECT_TRUE(std::isinf(same(Tensor::from<float>({3}, {3, 0, 4}))));
  EXPECT_TRUE(std::isinf(same(Tensor::from<float>({4}, {3, 0, 0, NAN}))));
  EXPECT_TRUE(std::isinf(output_difference(std::span(&ours, 1), {})));
}

TEST(Peers, APythonWithoutThemSaysThatTheyAreAbsent) {
  Peers peers("python3");
  for (const char* engine : {"onnxruntime", "openvino", "torch", "tensorflow"}) {
    const auto presence = peers.load(engine);
    EXPECT_EQ(presence.version.empty(), !presence.absent.empty()) << engine;
    if (!presence.absent.empty()) {
      EXPECT_NE(presence.absent.find("tools/peers"), std::string::npos) << presence.absent;
    }
  }
}

/// Every engine that is installed, on the network that comes with the sources.
class Engines : public ::testing::TestWithParam<const char*> {};

TEST_P(Engines, RunsTheExampleOnOurInputs) {
  Peers peers(peers_python());
  if (const auto presence = peers.load(GetParam()); !presence.absent.empty()) GTEST_SKIP() << presence.absent;
  Tensor input(DType::f32, {2, 1, 28, 28});
  for (auto values = input.data<float>(); auto& value : values) value = 0.5F;
  for (const int sessions : {1, 2}) {
    PeerJob job{GetParam(),        HALFTONE_SOURCE_DIR "/examples/fashion_mnist/model.onnx", "fp32", 2, 1, sessions,
                {{"input", input}}};
    const auto opened = peers.open(job);
    if (std::string(GetParam()) == "tensorflow" && sessions > 1) {
      EXPECT_NE(opened.refused.find("no sessions with cores of their own"), std::string::npos);
      continue;
    }
    ASSERT_EQ(opened.refused, "");
    ASSERT_EQ(opened.outputs.size(), 1u);
    EXPECT_EQ(opened.outputs[0].shape(), Shape({2, 10}));
    const auto scores = opened.outputs[0].data<float>();
    for (std::size_t i = 0; i < 10; ++i) EXPECT_NEAR(scores[i], scores[10 + i], 1e-4);
    std::vector<double> milliseconds;
    opened.point(5, milliseconds);
    EXPECT_EQ(milliseconds.size(), 5u * static_cast<std::size_t>(sessions));
    EXPECT_GT(median(milliseconds), 0);
  }
  PeerJob missing{GetParam(), "/no/such/model.onnx", "fp32", 2, 1, 1, {{"input", input}}};
  EXPECT_NE(peers.open(missing).refused, "");
  EXPECT_GT(peers.cpu_seconds(), 0);
  peers.close();
}

INSTANTIATE_TEST_SUITE_P(Peers, Engines, ::testing::Values("onnxruntime", "openvino", "torch", "tensorflow"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace halftone
