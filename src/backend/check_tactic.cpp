#include "backend/check_tactic.h"

#include <cmath>
#include <cstring>
#include <vector>

namespace halftone {
namespace {

constexpr std::size_t kGuard = 256;  // bytes before and after, a multiple of every alignment promised

/// Device memory between guards. What is written over them shows.
class Guarded {
 public:
  Guarded(std::size_t bytes, Backend& backend, Stream& stream)
      : bytes_(bytes), backend_(backend), stream_(stream), buffer_(backend.allocate(bytes + 2 * kGuard)) {}

  void* data() const { return static_cast<std::byte*>(buffer_->data()) + kGuard; }
  void fill(unsigned char rubbish) {
    image_.assign(bytes_ + 2 * kGuard, rubbish);
    write();
  }
  void fill(const Tensor& tensor, unsigned char rubbish) {
    image_.assign(bytes_ + 2 * kGuard, rubbish);
    if (tensor.bytes() != 0) std::memcpy(image_.data() + kGuard, tensor.raw(), tensor.bytes());
    write();
  }
  std::vector<unsigned char> read() const {
    std::vector<unsigned char> now(image_.size());
    backend_.copy(now.data(), buffer_->data(), now.size(), stream_);
    stream_.synchronize();
    return now;
  }
  bool guards_hold() const {
    const auto now = read();
    return std::memcmp(now.data(), image_.data(), kGuard) == 0 &&
           std::memcmp(now.data() + kGuard + bytes_, image_.data() + kGuard + bytes_, kGuard) == 0;
  }
  bool unchanged() const { return read() == image_; }

 private:
  void write() {
    backend_.copy(buffer_->data(), image_.data(), image_.size(), stream_);
    stream_.synchronize();
  }
  std::size_t bytes_;
  Backend& backend_;
  Stream& stream_;
  std::shared_ptr<Buffer> buffer_;
  std::vector<unsigned char> image_;
};

/// The memory of one prepared tactic: inputs, outputs and workspace between guards.
class Bench {
 public:
  Bench(const Problem& problem, const Prepared& prepared, std::span<const Tensor> inputs, Backend& backend)
      : problem_(problem),
        prepared_(prepared),
        values_(inputs),
        state_(prepared.make_state()),
        stream_(backend.new_stream()) {
    for (std::size_t i = 0; i < problem.inputs.size(); ++i) {
      inputs_.push_back(nullptr);
      if (!problem.has(i) || (problem.constant(i) && !prepared.reads_constant(i))) continue;
      // Output 0 may take over an input's buffer, so each has room for either.
      const bool takes_over = prepared.in_place_input() == static_cast<int>(i);
      const auto bytes = takes_over ? std::max(inputs[i].bytes(), problem.output().bytes()) : inputs[i].bytes();
      inputs_.back() = std::make_unique<Guarded>(bytes, backend, *stream_);
    }
    for (const auto& type : problem.outputs)
      outputs_.push_back(type.known() ? std::make_unique<Guarded>(type.bytes(), backend, *stream_) : nullptr);
    workspace_ = std::make_unique<Guarded>(prepared.workspace_bytes(), backend, *stream_);
  }

  /// Runs on fresh inputs and `rubbish` elsewhere; the outputs' bytes, or a message about what was overwritten.
  std::vector<Tensor> run(unsigned char rubbish, bool in_place, std::string& trouble) {
    std::vector<const void*> in;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i]) inputs_[i]->fill(values_[i], rubbish);
      in.push_back(inputs_[i] ? inputs_[i]->data() : nullptr);
    }
    std::vector<void*> out;
    for (const auto& output : outputs_) {
      if (output) output->fill(rubbish);
      out.push_back(output ? output->data() : nullptr);
    }
    const auto taken = static_cast<std::size_t>(prepared_.in_place_input());
    if (in_place) out[0] = inputs_[taken]->data();
    workspace_->fill(rubbish);
    prepared_.run({in, out, workspace_->data(), state_.get(), stream_.get()});
    stream_->synchronize();

    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (!inputs_[i]) continue;
      const bool written = in_place && i == taken;
      if (written ? !inputs_[i]->guards_hold() : !inputs_[i]->unchanged())
        trouble = fmt::format("input {} was overwritten", i);
    }
    std::vector<Tensor> results;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      results.emplace_back();
      if (!outputs_[i]) continue;
      if (!outputs_[i]->guards_hold()) trouble = fmt::format("it wrote outside output {}", i);
      const auto bytes = (in_place && i == 0 ? *inputs_[taken] : *outputs_[i]).read();
      results.back() = Tensor(problem_.output(i));
      if (results.back().bytes() != 0) std::memcpy(results.back().raw(), bytes.data() + kGuard, results.back().bytes());
    }
    if (!workspace_->guards_hold()) trouble = "it wrote outside its workspace";
    return results;
  }

 private:
  const Problem& problem_;
  const Prepared& prepared_;
  std::span<const Tensor> values_;
  std::unique_ptr<KernelState> state_;
  std::unique_ptr<Stream> stream_;
  std::vector<std::unique_ptr<Guarded>> inputs_, outputs_;
  std::unique_ptr<Guarded> workspace_;
};

bool same_bits(std::span<const Tensor> a, std::span<const Tensor> b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].defined() && a[i].bytes() != 0 && std::memcmp(a[i].raw(), b[i].raw(), a[i].bytes()) != 0) return false;
  return true;
}

}  // namespace

Comparison check_tactic(const Problem& problem, const Kernel& kernel, std::string_view config,
                        std::span<const Tensor> inputs, std::span<const Tensor> expected, Backend& backend,
                        int threads) {
  backend.use_threads(threads);
  std::vector<Tensor> constants(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (problem.constant(i)) constants[i] = inputs[i];
  WeightCache weights;
  const auto prepared = kernel.prepare({problem, config, constants, backend, weights, threads});
  Bench bench(problem, *prepared, inputs, backend);
  std::string trouble;
  const auto first = bench.run(0xa5, false, trouble);
  auto result = compare(problem, expected, first, inputs);
  if (!result.ok) return result;
  const auto second = bench.run(0x3c, false, trouble);
  if (trouble.empty() && !same_bits(first, second)) trouble = "a second run gave other bits";
  const int taken = prepared->in_place_input();
  if (trouble.empty() && taken >= 0) {
    if (!problem.has(static_cast<std::size_t>(taken)) || problem.constant(static_cast<std::size_t>(taken))) {
      trouble = fmt::format("it would take over input {}, which is absent or constant", taken);
    } else {
      const auto in_place = compare(problem, expected, bench.run(0x96, true, trouble), inputs);
      if (!in_place.ok) trouble = fmt::format("in place of input {}: {}", taken, in_place.message);
    }
  }
  if (!trouble.empty()) return {false, HUGE_VAL, trouble};
  return result;
}

}  // namespace halftone
