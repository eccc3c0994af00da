#include <gtest/gtest.h>

#include <cmath>

#include "cpu/cpu_backend.h"
#include "engine/tuner.h"

namespace halftone {
namespace {

/// A device whose clock stands at whole ticks, with two kernels for every Relu that take less than a tick apart.
class Ticking : public Backend {
 public:
  static constexpr double kTick = 1e-6;

  explicit Ticking(bool records) : cpu_(make_cpu_backend()), records_(records) {
    add("slow", [](const PrepareContext& context) { return relu(context, 2.4e-6); });
    add("quick", [](const PrepareContext& context) { return relu(context, 2.1e-6); });
  }

  const DeviceInfo& info() const override { return cpu_->info(); }
  std::shared_ptr<Buffer> allocate(std::size_t bytes) override { return cpu_->allocate(bytes); }
  std::unique_ptr<Stream> new_stream() override { return cpu_->new_stream(); }
  bool host_memory() const override { return false; }
  void copy(void* to, const void* from, std::size_t bytes, Stream& stream) override {
    cpu_->copy(to, from, bytes, stream);
  }
  std::span<const Kernel> kernels() const override { return rows_; }
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
  void use_threads(int threads) override { cpu_->use_threads(threads); }
  const Peaks& peaks(int threads) override { return cpu_->peaks(threads); }

 private:
  struct Replayed : Recording {
    Replayed(double& now, double taken) : clock(now), takes(taken) {}
    void replay(Stream&) override { clock += takes; }
    double& clock;
    double takes;
  };
  struct Relu : Prepared {
    Relu(const PrepareContext& context, double taken)
        : device(static_cast<Ticking&>(context.backend)),
          count(context.problem.outputs[0].shape.count()),
          takes(taken) {}
    void run(const RunArgs& args) const override {
      const auto* x = static_cast<const float*>(args.inputs[0]);
      auto* y = static_cast<float*>(args.outputs[0]);
      for (std::int64_t i = 0; i < count; ++i) y[i] = std::max(x[i], 0.f);
      device.now_ += takes;
    }
    Ticking& device;
    std::int64_t count;
    double takes;
  };

  static std::unique_ptr<Prepared> relu(const PrepareContext& context, double takes) {
    return std::make_unique<Relu>(context, takes);
  }
  void add(const char* name, std::unique_ptr<Prepared> (*prepare)(const PrepareContext&)) {
    rows_.push_back({name, [](const Problem&, const Backend&) { return Support::yes(); },
                     [](const Problem&, const Backend&) { return std::vector<std::string>{""}; }, prepare});
  }

  std::shared_ptr<Backend> cpu_;
  bool records_;
  double now_ = 0;
  std::vector<Kernel> rows_;
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
