#include <gtest/gtest.h>

#include <cstring>
#include <optional>

#include "backend/check.h"
#include "cuda/cuda_backend.h"
#include "graph/op.h"

// Kernels of ours let the next one start before what they write is there. What libraries launch behind them must not.
// Skipped, by name, where there is no device.
namespace halftone {
namespace {

/// One Problem on device memory of its own.
class Step {
 public:
  Step(Backend& backend, const Problem& problem, const Kernel& kernel, std::string_view config, Stream& stream)
      : backend_(backend), problem_(problem), inputs_(random_inputs(problem, 3)), output_(problem.output()) {
    WeightCache weights;
    std::vector<Tensor> constants(inputs_.size());
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (problem.constant(i)) constants[i] = inputs_[i];
      in_.push_back(inputs_[i].defined() ? place(inputs_[i], stream) : nullptr);
    }
    std::memset(output_.raw(), 0xff, output_.bytes());  // no numbers
    out_.push_back(place(output_, stream));
    prepared_ = kernel.prepare({problem, config, constants, backend, weights, 1});
    state_ = prepared_->make_state();
    workspace_ = backend.allocate(prepared_->workspace_bytes() + 64);
  }

  void* output() { return out_[0]; }
  void read_from(std::size_t input, const void* memory) { in_[input] = memory; }
  void spoil(Stream& stream) {
    std::memset(output_.raw(), 0xff, output_.bytes());
    backend_.copy(out_[0], output_.raw(), output_.bytes(), stream);
    stream.synchronize();
  }
  void run(Stream& stream) { prepared_->run({in_, out_, workspace_->data(), state_.get(), &stream}); }
  Tensor result(Stream& stream) {
    Tensor host(problem_.output());
    backend_.copy(host.raw(), out_[0], host.bytes(), stream);
    stream.synchronize();
    return host;
  }
  Comparison compared(const Tensor& wanted, Stream& stream) {
    return compare(problem_, std::vector{wanted}, std::vector{result(stream)}, inputs_);
  }

 private:
  void* place(const Tensor& host, Stream& stream) {
    buffers_.push_back(backend_.allocate(host.bytes()));
    backend_.copy(buffers_.back()->data(), host.raw(), host.bytes(), stream);
    stream.synchronize();
    return buffers_.back()->data();
  }

  Backend& backend_;
  Problem problem_;
  std::vector<Tensor> inputs_;
  Tensor output_;
  std::vector<std::shared_ptr<Buffer>> buffers_;
  std::vector<const void*> in_;
  std::vector<void*> out_;
  std::unique_ptr<Prepared> prepared_;
  std::unique_ptr<KernelState> state_;
  std::shared_ptr<Buffer> workspace_;
};

TEST(cuda_overlap, libraries_read_what_kernels_ahead_wrote) {
  if (cuda_devices().empty()) GTEST_SKIP() << "no CUDA device here";
  const auto backend = make_cuda_backend(0);
  const auto stream = backend->new_stream();
  // A product whose tiles blocks share, so that much is left to do when the next kernel may start.
  const auto ahead = Problem::parse("FusedConv bf16:1x7x7x512 bf16:512x3x3x512! f32:512! pads=1*4");
  const Kernel* gemm = find_kernel(*backend, "cuda.gemm");
  ASSERT_TRUE(gemm != nullptr && gemm->supports(ahead, *backend));
  struct Behind {
    const char* line;
    std::size_t reads;  // the input that is written just ahead
  };
  int checked = 0;
  for (const auto& [line, reads] :
       {Behind{"FusedConv bf16:1x14x14x256 bf16:512x1x1x256! f32:512! bf16:1x7x7x512 act=relu strides=2*2", 3},
        Behind{"FusedConv bf16:1x7x7x256 bf16:512x1x1x256! f32:512! bf16:1x7x7x512 act=relu", 3},
        Behind{"FusedConv bf16:1x7x7x512 bf16:512x1x1x512! f32:512! act=relu", 0},
        Behind{"FusedConv bf16:1x7x7x512 bf16:64x3x3x512! f32:64! act=relu pads=1*4", 0}}) {
    const auto problem = Problem::parse(line);
    for (const char* name : {"cudnn.conv", "cublaslt.product"}) {
      const Kernel* kernel = find_kernel(*backend, name);
      if (!kernel->supports(problem, *backend)) continue;
      for (const auto& config : kernel->configs(problem, *backend)) {
        SCOPED_TRACE(fmt::format("{} {} {}", line, name, config));
        Step first(*backend, ahead, *gemm, "32x64/8", *stream);
        std::optional<Step> made;
        try {
          made.emplace(*backend, problem, *kernel, config, *stream);
        } catch (const Error& error) {
          // A library may offer an engine and then not build it.
          EXPECT_EQ(error.code(), Code::unsupported) << error.what();
          continue;
        }
        Step& second = *made;
        second.read_from(reads, first.output());
        first.run(*stream);
        stream->synchronize();
        second.run(*stream);
        const Tensor wanted = second.result(*stream);
        const auto recording = backend->record(*stream, [&] {
          first.run(*stream);
          second.run(*stream);
        });
        ASSERT_TRUE(recording != nullptr);
        for (int i = 0; i < 4; ++i) {
          first.spoil(*stream);
          second.spoil(*stream);
          if (i % 2 == 0) {
            recording->replay(*stream);
          } else {
            first.run(*stream);
            second.run(*stream);
          }
          const auto comparison = second.compared(wanted, *stream);
          EXPECT_TRUE(comparison.ok) << (i % 2 == 0 ? "recorded: " : "launched: ") << comparison.message;
        }
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 8);
}

}  // namespace
}  // namespace halftone
