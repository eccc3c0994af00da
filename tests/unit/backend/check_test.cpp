#include "backend/check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "backend/check_tactic.h"
#include "graph/op.h"

namespace halftone {
namespace {

struct Setting {
  Problem problem;
  std::vector<Tensor> inputs, expected;
  explicit Setting(std::string_view line)
      : problem(Problem::parse(line)), inputs(random_inputs(problem, 1)), expected(evaluate(problem, inputs)) {}
  /// The expected outputs with one element of output 0 moved by `by`.
  std::vector<Tensor> moved(std::size_t at, double by) const {
    auto outputs = expected;
    auto values = expected[0].to_doubles();
    values[at] += by;
    outputs[0] = Tensor::from<double>(expected[0].shape(), std::span<const double>(values)).to(expected[0].dtype());
    return outputs;
  }
  Comparison against(const std::vector<Tensor>& outputs) const { return compare(problem, expected, outputs, inputs); }
};

TEST(RandomInputs, AreTheSameForTheSameSeedOnly) {
  const auto problem = Problem::parse("FusedConv u8:1x5x5x8 i8:4x3x3x8! f32:4! _ f32:4! f32:6! to=u8");
  const auto a = random_inputs(problem, 7);
  const auto b = random_inputs(problem, 7);
  const auto c = random_inputs(problem, 8);
  for (const std::size_t i : {0, 1, 2, 4, 5}) EXPECT_EQ(std::memcmp(a[i].raw(), b[i].raw(), a[i].bytes()), 0);
  EXPECT_NE(std::memcmp(a[0].raw(), c[0].raw(), a[0].bytes()), 0);
  EXPECT_FALSE(a[3].defined());
}

TEST(RandomInputs, KeepQuantisedOutputsFromSaturating) {
  for (const auto line : {"FusedConv u8:1x8x8x64 i8:16x3x3x64! f32:16! _ f32:16! f32:6! pads=1*4 to=u8",
                          "FusedConv i8:1x8x8x3 i8:16x1x1x3! f32:16! _ f32:16! f32:6! to=i8",
                          "QLinearConv u8:1x32x8x8 f32: u8: i8:16x32x3x3 f32: i8: f32: u8:"}) {
    const Setting setting(line);
    std::size_t inside = 0;
    const auto values = setting.expected[0].to_doubles();
    const double low = setting.expected[0].dtype() == DType::u8 ? 0 : -128;
    for (const auto value : values) inside += value > low && value < low + 255 ? 1 : 0;
    EXPECT_GT(inside * 10, values.size() * 4) << line;
  }
}

TEST(Compare, AcceptsTheExpectedItself) {
  const Setting setting("Conv f32:1x3x6x6 f32:4x3x3x3");
  EXPECT_TRUE(setting.against(setting.expected).ok);
}

TEST(Compare, FloatsMayDifferAsSumsDo) {
  const Setting setting("FusedConv f32:1x6x6x16 f32:8x3x3x16! f32:8! act=relu pads=1*4");
  EXPECT_TRUE(setting.against(setting.moved(3, 1e-6)).ok);
  const auto far = setting.against(setting.moved(3, 1e-3));
  EXPECT_FALSE(far.ok);
  EXPECT_GT(far.worst, 10);
  EXPECT_NE(far.message.find("[0,0,0,3]"), std::string::npos) << far.message;
}

TEST(Compare, ANumberIsNoNaN) {
  const Setting setting("Softmax f32:2x5");
  EXPECT_FALSE(setting.against(setting.moved(0, NAN)).ok);
  EXPECT_FALSE(setting.against(setting.moved(0, INFINITY)).ok);
}

TEST(Compare, MovesAreExact) {
  const Setting setting("Transpose f32:3x4");
  EXPECT_FALSE(setting.against(setting.moved(5, 1e-6)).ok);
}

TEST(Compare, IntegersAreExact) {
  const Setting setting("MatMulInteger u8:3x4 i8:4x5");
  EXPECT_FALSE(setting.against(setting.moved(0, 1)).ok);
}

TEST(Compare, QuantisedOutputsMayBeOneStepOffInFewPlaces) {
  const Setting setting("FusedConv u8:1x6x6x16 i8:8x3x3x16! f32:8! _ f32:8! f32:6! to=u8");
  const auto values = setting.expected[0].to_doubles();
  const auto at = static_cast<std::size_t>(
      std::find_if(values.begin(), values.end(), [](double v) { return v > 5 && v < 250; }) - values.begin());
  EXPECT_TRUE(setting.against(setting.moved(at, 1)).ok);
  EXPECT_FALSE(setting.against(setting.moved(at, 2)).ok);
  auto many = setting.expected;
  many[0] = many[0].clone();
  for (auto& value : many[0].data<std::uint8_t>())
    value = static_cast<std::uint8_t>(value < 255 ? value + 1 : value - 1);
  EXPECT_FALSE(setting.against(many).ok);
}

TEST(Compare, TypesMustAgree) {
  const Setting setting("Relu f32:4");
  EXPECT_FALSE(setting.against({Tensor(DType::f32, {2, 2})}).ok);
  EXPECT_FALSE(setting.against({}).ok);
}

/// Host memory and no kernels: the kernels under test are made below.
class HostBackend final : public Backend {
  class NoStream final : public Stream {
    void synchronize() override {}
  };

 public:
  const DeviceInfo& info() const override { return info_; }
  std::shared_ptr<Buffer> allocate(std::size_t bytes) override { return allocate_host(bytes); }
  std::unique_ptr<Stream> new_stream() override { return std::make_unique<NoStream>(); }
  void copy(void* to, const void* from, std::size_t bytes, Stream&) override { std::memcpy(to, from, bytes); }
  std::span<const Kernel> kernels() const override { return {}; }
  double seconds(Stream&, const std::function<void()>& work) override { return work(), 0; }
  void use_threads(int) override {}
  const Peaks& peaks(int) override { return peaks_; }

 private:
  DeviceInfo info_;
  Peaks peaks_;
};

/// Relu over 16 floats, with a fault that `config` names.
class FaultyRelu final : public Prepared {
 public:
  explicit FaultyRelu(std::string_view fault) : fault_(fault) {}
  int in_place_input() const override { return 0; }
  std::size_t workspace_bytes() const override { return 64; }
  void run(const RunArgs& args) const override {
    const auto* x = static_cast<const float*>(args.inputs[0]);
    auto* y = static_cast<float*>(args.outputs[0]);
    if (fault_ == "in place" && x == y) return;
    for (int i = 0; i < 16; ++i) y[i] = std::max(x[i], 0.0f);
    if (fault_ == "wrong") y[3] += 1;
    if (fault_ == "over") y[16] = 0;
    if (fault_ == "under") y[-1] = 0;
    if (fault_ == "workspace") static_cast<char*>(args.workspace)[64] = 0;
    if (fault_ == "input") const_cast<float*>(x)[0] = 7;
    if (fault_ == "leftover" && runs_++ > 0) y[5] = std::nextafter(y[5], 9.0f);
  }

 private:
  std::string fault_;
  mutable int runs_ = 0;
};

Comparison check(std::string_view fault) {
  const Setting setting("Relu f32:16");
  const Kernel kernel{.name = "faulty",
                      .supports = [](const Problem&, const Backend&) { return Support::yes(); },
                      .configs = [](const Problem&, const Backend&) { return std::vector<std::string>{""}; },
                      .prepare = [](const PrepareContext& context) -> std::unique_ptr<Prepared> {
                        return std::make_unique<FaultyRelu>(context.config);
                      }};
  HostBackend backend;
  return check_tactic(setting.problem, kernel, fault, setting.inputs, setting.expected, backend, 1);
}

TEST(CheckTactic, PassesAGoodKernel) {
  const auto result = check("none");
  EXPECT_TRUE(result.ok) << result.message;
}

TEST(CheckTactic, FindsEveryFault) {
  for (const auto fault : {"wrong", "over", "under", "workspace", "input", "in place", "leftover"}) {
    const auto result = check(fault);
    EXPECT_FALSE(result.ok) << fault;
    EXPECT_FALSE(result.message.empty()) << fault;
  }
}

}  // namespace
}  // namespace halftone
