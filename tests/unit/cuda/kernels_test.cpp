#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstring>

#include "backend/check.h"
#include "cuda/cuda_backend.h"
#include "graph/fused_conv.h"
#include "graph/op.h"

// Every row of the CUDA backend against the operators' references. Skipped, by name, where there is no device.
namespace halftone {
namespace {

std::shared_ptr<Backend> device() {
  static const std::shared_ptr<Backend> backend = cuda_devices().empty() ? nullptr : make_cuda_backend(0);
  return backend;
}

std::vector<Tensor> run(Backend& backend, const Kernel& kernel, std::string_view config, const Problem& problem,
                        const std::vector<Tensor>& inputs, bool in_place) {
  WeightCache weights;
  std::vector<Tensor> constants(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (problem.constant(i)) constants[i] = inputs[i];
  const auto prepared = kernel.prepare({problem, config, constants, backend, weights, 1});
  const auto state = prepared->make_state();
  const auto workspace = backend.allocate(prepared->workspace_bytes() + 64);
  const auto stream = backend.new_stream();
  std::vector<std::shared_ptr<Buffer>> buffers;
  const auto place = [&](const Tensor& host) -> void* {
    buffers.push_back(backend.allocate(host.bytes()));
    backend.copy(buffers.back()->data(), host.raw(), host.bytes(), *stream);
    return buffers.back()->data();
  };
  std::vector<const void*> in;
  std::vector<void*> out;
  for (const auto& tensor : inputs) in.push_back(tensor.defined() ? place(tensor) : nullptr);
  std::vector<Tensor> outputs;
  for (const auto& type : problem.outputs) {
    outputs.emplace_back(type);
    std::memset(outputs.back().raw(), 0xcd, outputs.back().bytes());
    out.push_back(place(outputs.back()));
  }
  const int shared = prepared->in_place_input();
  if (in_place && shared >= 0) out[0] = const_cast<void*>(in[static_cast<std::size_t>(shared)]);
  // Twice, so that what a run leaves behind shows.
  for (int i = 0; i < (in_place ? 1 : 2); ++i) prepared->run({in, out, workspace->data(), state.get(), stream.get()});
  for (std::size_t i = 0; i < outputs.size(); ++i) backend.copy(outputs[i].raw(), out[i], outputs[i].bytes(), *stream);
  stream->synchronize();
  return outputs;
}

void check_all(const std::string& line) {
  SCOPED_TRACE(line);
  auto& backend = *device();
  const Problem problem = Problem::parse(line);
  const auto in = random_inputs(problem, 3);
  const auto wanted = evaluate(problem, in);
  int competing = 0;
  for (const auto& kernel : backend.kernels()) {
    const auto support = kernel.supports(problem, backend);
    if (!support) continue;
    competing += kernel.competes ? 1 : 0;
    for (const auto& config : kernel.configs(problem, backend))
      for (const bool in_place : {false, true}) {
        SCOPED_TRACE(fmt::format("{} {}{}", kernel.name, config, in_place ? " in place" : ""));
        try {
          const Comparison comparison =
              compare(problem, wanted, run(backend, kernel, config, problem, in, in_place), in);
          EXPECT_TRUE(comparison.ok) << comparison.message;
        } catch (const Error& error) {
          // A library may offer an engine and then not build it; the tuner passes it over.
          if (error.code() != Code::unsupported) ADD_FAILURE() << error.what();
        }
      }
  }
  EXPECT_GT(competing, 0) << "only the host runs " << line;
}

void check_lines(std::initializer_list<const char*> lines) {
  if (!device()) GTEST_SKIP() << "no CUDA device here";
  for (const char* line : lines) check_all(line);
}

TEST(cuda_conv, float_forms) {
  check_lines({
      "FusedConv f32:1x14x14x32 f32:48x1x1x32! f32:48! act=relu",
      "FusedConv f32:2x13x11x5 f32:7x3x3x5! f32:7! f32:2x13x11x7 act=relu pads=1",
      "FusedConv f32:2x13x11x5 f32:7x3x3x5! _ f32:2x13x11x7 act=silu pads=1",
      "FusedConv f32:1x23x21x3 f32:64x7x7x3! f32:64! act=relu pads=3 strides=2",
      "FusedConv f32:1x15x15x24 f32:24x3x3x1! f32:24! act=clip alpha=0.0 beta=6.0 group=24 pads=1 strides=2",
      "FusedConv f32:1x15x15x24 f32:36x3x3x8! f32:36! act=hard_swish group=3 pads=1 dilations=2",
      "FusedConv f32:3x1x1x70 f32:10x1x1x70! f32:10!",
      "FusedConv f32:1x9x9x16 f32:16x3x3x16! act=hard_sigmoid alpha=0.2 beta=0.5 pads=0,1,2,1",
  });
}

TEST(cuda_conv, half_forms) {
  check_lines({
      "FusedConv f16:1x14x14x32 f16:48x1x1x32! f32:48! act=relu",
      "FusedConv f16:2x13x11x8 f16:24x3x3x8! f32:24! f16:2x13x11x24 act=relu pads=1",
      "FusedConv f16:2x13x11x40 f16:33x3x3x40! f32:33! act=clip alpha=0.0 beta=6.0 pads=1 strides=2",
      "FusedConv f16:1x23x21x3 f16:64x7x7x3! f32:64! act=relu pads=3 strides=2",
      "FusedConv f16:1x15x15x24 f16:24x3x3x1! f32:24! act=relu group=24 pads=1",
      "FusedConv f16:1x15x15x24 f16:36x3x3x8! f32:36! act=tanh group=3 pads=1",
      "FusedConv f16:2x7x7x512 f16:96x3x3x512! f32:96! act=relu pads=1",
      "FusedConv bf16:1x14x14x64 bf16:256x1x1x64! f32:256! bf16:1x14x14x256 act=relu",
      "FusedConv bf16:1x23x21x3 bf16:24x3x3x3! f32:24! act=relu pads=1 strides=2",
      "FusedConv bf16:3x1x1x72 bf16:10x1x1x72! f32:10! to=f32",
  });
}

TEST(cuda_conv, eight_bit_forms) {
  check_lines({
      "FusedConv i8:1x14x14x32 i8:48x1x1x32! f32:48! _ f32:48! f32:6! act=relu symmetric=1 to=i8",
      "FusedConv i8:2x13x11x48 i8:24x3x3x48! f32:24! i8:2x13x11x24 f32:24! f32:6! act=relu pads=1 symmetric=1 to=i8",
      "FusedConv i8:2x28x28x64 i8:256x1x1x64! f32:256! i8:2x28x28x256 f32:256! f32:6! act=relu symmetric=1 to=i8",
      "FusedConv i8:2x14x14x512 i8:1024x1x1x512! f32:1024! _ f32:1024! f32:6! strides=2 symmetric=1 to=i8",
      "FusedConv i8:2x7x7x512 i8:64x3x3x512! f32:64! _ f32:64! f32:6! act=relu pads=1 symmetric=1 to=i8",
      "FusedConv u8:2x13x11x64 i8:24x1x1x64! f32:24! u8:2x13x11x24 f32:24! f32:6! act=relu to=u8",
      "FusedConv u8:2x13x11x48 i8:40x3x3x48! f32:40! u8:2x13x11x40 f32:40! f32:6! act=relu pads=1 symmetric=1 to=u8",
      "FusedConv u8:1x23x21x3 i8:64x7x7x3! f32:64! _ f32:64! f32:6! act=relu pads=3 strides=2 to=u8",
      "FusedConv i8:1x23x21x3 i8:32x3x3x3! f32:32! _ f32:32! f32:6! act=relu pads=1 strides=2 to=i8",
      "FusedConv u8:1x15x15x24 i8:24x3x3x1! f32:24! _ f32:24! f32:6! act=clip alpha=0.0 beta=6.0 group=24 pads=1 "
      "symmetric=1 to=u8",
      "FusedConv i8:1x9x9x64 i8:32x3x3x64! f32:32! _ f32:32! f32:6! pads=1 to=i8",
      "FusedConv u8:3x1x1x80 i8:10x1x1x80! f32:10! _ f32:10! f32:6!",
      "FusedConv u8:2x13x11x5 i8:7x3x3x5! f32:7! f16:2x13x11x7 f32:7! f32:6! act=sigmoid pads=1 to=f16",
  });
}

// Packed or as they are, not both. The types leave little to fill up.
TEST(cuda_conv, weights_lie_on_the_device_once) {
  if (!device()) GTEST_SKIP() << "no CUDA device here";
  auto& backend = *device();
  for (const char* line : {"FusedConv f16:32x56x56x64 f16:256x3x3x64! f32:256! act=relu pads=1*4",
                           "FusedConv f16:2x14x14x60 f16:64x3x3x60! f32:64! pads=1*4",
                           "FusedConv f16:8x224x224x3 f16:64x7x7x3! f32:64! act=relu pads=3*4 strides=2*2",
                           "FusedConv f16:2x28x28x64 f16:64x3x3x1! f32:64! group=64 pads=1*4"}) {
    const Problem problem = Problem::parse(line);
    auto constants = random_inputs(problem, 3);
    constants[FusedConv::kX] = {};
    for (const auto& kernel : backend.kernels()) {
      if (!kernel.competes || !kernel.supports(problem, backend)) continue;
      for (const auto& config : kernel.configs(problem, backend)) {
        SCOPED_TRACE(fmt::format("{} {} {}", line, kernel.name, config));
        WeightCache weights;
        try {
          const auto prepared = kernel.prepare({problem, config, constants, backend, weights, 1});
          EXPECT_LT(weights.bytes(), 2 * constants[FusedConv::kW].bytes());
        } catch (const Error& error) {
          if (error.code() != Code::unsupported) ADD_FAILURE() << error.what();
        }
      }
    }
  }
}

TEST(cuda_pool, all) {
  check_lines({
      "MaxPool f16:2x13x11x24 kernel_shape=3,3 layout=NHWC pads=1,1,1,1 strides=2,2",
      "MaxPool i8:2x13x11x32 kernel_shape=3,3 layout=NHWC pads=1,1,1,1 strides=2,2",
      "MaxPool u8:2x13x11x5 kernel_shape=2,2 layout=NHWC strides=2,2",
      "MaxPool f32:1x13x13x64 ceil_mode=1 kernel_shape=3,3 layout=NHWC strides=2,2",
      "MaxPool bf16:1x13x13x64 kernel_shape=5,3 layout=NHWC pads=2,1,2,1 strides=1,1",
      "AveragePool f32:1x13x13x20 kernel_shape=3,3 layout=NHWC pads=1,1,1,1 strides=2,2",
      "AveragePool f16:1x13x13x24 count_include_pad=1 kernel_shape=3,3 layout=NHWC pads=1,1,1,1 strides=1,1",
      "GlobalAveragePool f16:2x7x7x136 layout=NHWC",
      "GlobalAveragePool f32:2x7x7x35 layout=NHWC",
  });
}

TEST(cuda_other, moves_and_elements) {
  check_lines({
      "Transpose f32:2x3x23x21 perm=0,2,3,1",
      "Transpose f16:2x23x21x40 perm=0,3,1,2",
      "Transpose i8:70x90 perm=1,0",
      "Concat f16:2x5x5x8 f16:2x5x5x24 axis=3",
      "Concat f32:2x8x5 f32:2x3x5 f32:2x1x5 axis=1",
      "Add f16:2x5x5x8 f16:2x5x5x8",
      "Add f32:2x5x7 f32:7",
      "Mul f32:2x5x5x8 f32:2x1x1x8",
      "Relu bf16:3x333",
      "HardSwish f32:3x77",
      "Sigmoid f16:100",
      "Cast f32:3x77 to=10",
      "QuantizeLinear f32:2x3x5x7 f32: i8:",
      "QuantizeLinear f16:2x3x5x7 f16: u8:",
      "DequantizeLinear u8:2x3x5x7 f32: u8:",
      "DequantizeLinear i8:4x30 f32:30 i8:30 axis=1",
      "Softmax f32:3x1000 axis=-1",
      "Softmax f16:3x10 axis=1",
  });
}

TEST(cuda_backend, memory_comes_back) {
  if (!device()) GTEST_SKIP() << "no CUDA device here";
  EXPECT_THROW(device()->allocate(std::size_t{1} << 50), Error);
  EXPECT_NO_THROW(device()->allocate(std::size_t{1} << 20));
}

TEST(cuda_backend, kernels_give_their_memory_back) {
  if (!device()) GTEST_SKIP() << "no CUDA device here";
  const auto free_memory = [] {
    std::size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    return free;
  };
  const auto work = [] {
    for (const char* line : {"FusedConv f16:2x28x28x64 f16:64x3x3x64! f32:64! act=relu pads=1",
                             "FusedConv f16:3x1x1x72 f16:40x1x1x72! f32:40! act=relu"})
      check_all(line);
  };
  work();  // what libraries keep for the process is there from now on
  // Others may use the card meanwhile: a leak is what is missing after every single time.
  bool kept = false;
  for (int i = 0; i < 5 && !kept; ++i) {
    const auto before = free_memory();
    work();
    kept = free_memory() >= before;
  }
  EXPECT_TRUE(kept) << "memory is missing after each of five times";
}

TEST(cuda_backend, meter_counts_up) {
  if (!device()) GTEST_SKIP() << "no CUDA device here";
  const auto first = device()->power();
  if (!first) GTEST_SKIP() << "no meter here";
  EXPECT_GT(first->joules, 0);
  EXPECT_GT(first->clock_hz, 1e8);
  const auto second = device()->power();
  ASSERT_TRUE(second);
  EXPECT_GE(second->joules, first->joules);
}

TEST(cuda_backend, names_what_is_missing) {
  try {
    make_cuda_backend(99);
    FAIL() << "there is no such device";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::not_found) << error.what();
  }
}

}  // namespace
}  // namespace halftone
