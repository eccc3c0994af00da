#include <gtest/gtest.h>

#include <cmath>

#include "engine/tuner.h"
#include "tests/unit/engine/rows_backend.h"

namespace halftone {
namespace {

/// A device whose clock stands at whole ticks, with two kernels for every Relu that take less than a tick apart.
class Ticking : public tests::RowsBackend {
 public:
  static constexpr double kTick = 1e-6;

  explicit Ticking(bool records) : records_(records) {
    add_relu("slow", one_config, [](const PrepareContext& context) { return relu(context, 2.4e-6); });
    add_relu("quick", one_config, [](const PrepareContext& context) { return relu(context, 2.1e-6); });
  }

  bool host_memory() const override { return false; }
  double seconds(Stream&, const std::function<void()>& work) override {
    now_ = 0;
    work();
    return kTick * std::floor(now_ / kTick);
  }
  std::unique_ptr<Recording> record(Stream&, const std::function<void()>& work) override {
    if (!records_) return nullptr;
    now_ = 0;
    work();
    return std::make_unique<Replayed>(now_, now_);
  }

 private:
  struct Replayed : Recording {
    Replayed(double& now, double taken) : clock(now), takes(taken) {}
    void replay(Stream&) override { clock += takes; }
    double& clock;
    double takes;
  };
  struct TimedRelu : tests::PlainRelu {
    TimedRelu(const PrepareContext& context, double taken)
        : PlainRelu(context), device(static_cast<Ticking&>(context.backend)), takes(taken) {}
    void run(const RunArgs& args) const override {
      PlainRelu::run(args);
      device.now_ += takes;
    }
    Ticking& device;
    double takes;
  };

  static std::unique_ptr<Prepared> relu(const PrepareContext& context, double takes) {
    return std::make_unique<TimedRelu>(context, takes);
  }

  bool records_;
  double now_ = 0;
};

TEST(Tuner, TimesShortRunsInARowWhereTheDeviceRecords) {
  Ticking device(true);
  const auto tactic = Tuner(device, 1).choose(Problem::parse("Relu f32:3x4"));
  EXPECT_EQ(tactic.kernel, "quick");
  EXPECT_NEAR(tactic.seconds, 2.1e-6, 1e-9);
}

TEST(Tuner, TimesSingleRunsWhereNothingCanBeRecorded) {
  Ticking device(false);
  const auto tactic = Tuner(device, 1).choose(Problem::parse("Relu f32:3x4"));
  EXPECT_EQ(tactic.kernel, "slow") << "of equals the first";
  EXPECT_NEAR(tactic.seconds, 2e-6, 1e-9);
}

}  // namespace
}  // namespace halftone
