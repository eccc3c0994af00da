#pragma once

#include <algorithm>
#include <utility>

#include "cpu/cpu_backend.h"

namespace halftone::tests {

/// The CPU with rows of a test's own in front of, or instead of, its kernels.
class RowsBackend : public Backend {
 public:
  const DeviceInfo& info() const override { return cpu_->info(); }
  std::shared_ptr<Buffer> allocate(std::size_t bytes) override { return cpu_->allocate(bytes); }
  std::unique_ptr<Stream> new_stream() override { return cpu_->new_stream(); }
  void copy(void* to, const void* from, std::size_t bytes, Stream& stream) override {
    cpu_->copy(to, from, bytes, stream);
  }
  std::span<const Kernel> kernels() const override { return rows_; }
  double seconds(Stream& stream, const std::function<void()>& work) override { return cpu_->seconds(stream, work); }
  void use_threads(int threads) override { cpu_->use_threads(threads); }
  const Peaks& peaks(int threads) override { return cpu_->peaks(threads); }

 protected:
  using Configs = std::vector<std::string> (*)(const Problem&, const Backend&);
  using Prepare = std::unique_ptr<Prepared> (*)(const PrepareContext&);

  /// A row that takes every Relu.
  void add_relu(const char* name, Configs configs, Prepare prepare) {
    rows_.push_back({name,
                     [](const Problem& problem, const Backend&) {
                       return problem.op == "Relu" ? Support::yes() : Support::no("not a Relu");
                     },
                     configs, prepare});
  }
  void add_the_cpus() { rows_.insert(rows_.end(), cpu_->kernels().begin(), cpu_->kernels().end()); }
  static std::vector<std::string> one_config(const Problem&, const Backend&) { return {""}; }

 private:
  std::shared_ptr<Backend> cpu_ = make_cpu_backend();
  std::vector<Kernel> rows_;
};

/// A Relu of floats.
struct PlainRelu : Prepared {
  explicit PlainRelu(const PrepareContext& context) : count(context.problem.outputs[0].shape.count()) {}
  void run(const RunArgs& args) const override {
    const auto* x = static_cast<const float*>(args.inputs[0]);
    auto* y = static_cast<float*>(args.outputs[0]);
    for (std::int64_t i = 0; i < count; ++i) y[i] = std::max(x[i], 0.f);
  }
  std::int64_t count;
};

}  // namespace halftone::tests
