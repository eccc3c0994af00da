#include "cpu/depthwise_bytes.h"

#include <omp.h>

#include <algorithm>
#include <cmath>

#include "backend/backend.h"
#include "cpu/affine_of.h"
#include "cpu/plain.h"

// FusedConv with one 3x3 filter a channel, bytes in and out, by dot products of four bytes.
namespace halftone::cpu {
namespace {

constexpr std::int64_t kBlock = kDepthwiseBlock;
constexpr std::int64_t kBlockWeights = 3 * 2 * kBlock * 4;
constexpr std::int64_t kFewestLines = 4;  // of a task: the rows above the first are interleaved once more

/// Channels worked on together.
struct Block {
  std::int64_t channel;     // the first loaded
  std::int64_t begin, end;  // of those loaded, the ones to store; and how many there are
  std::int64_t segments;
  /// Channel that vector v, lane `lane` holds.
  std::int64_t channel_of(std::int64_t v, std::int64_t lane) const {
    return channel + (lane / 4 * 16 + v * 4 + lane % 4) % (kBlock / segments);
  }
  bool holds(std::int64_t c) const { return c < channel + end; }
};

/// Full blocks, then the rest: cut lines fill the vectors where it is short, else a full block begins early.
std::vector<Block> blocks_of(std::int64_t channels) {
  std::vector<Block> blocks;
  std::int64_t c = 0;
  for (; c + kBlock <= channels; c += kBlock) blocks.push_back({c, 0, kBlock, 1});
  const std::int64_t rest = channels - c;
  if (rest == 0) return blocks;
  if (rest <= 16) blocks.push_back({c, 0, rest, 4});
  else if (rest <= 32) blocks.push_back({c, 0, rest, 2});
  else if (c == 0) blocks.push_back({c, 0, rest, 1});
  else blocks.push_back({channels - kBlock, kBlock - rest, kBlock, 1});
  return blocks;
}

class DepthwiseBytesConv : public Prepared {
 public:
  DepthwiseBytesConv(const PrepareContext& context, const FusedConv& conv)
      : conv_(conv), threads_(std::max(1, context.threads)), blocks_(blocks_of(conv.c)) {
    const bool signed_x = conv.x_type == DType::i8;
    const float zero = quantisation_of(context.constants[FusedConv::kQuantisation]).x_zero + (signed_x ? 128.0f : 0.0f);
    flip_ = signed_x ? 0x80 : 0;
    padding_ = static_cast<std::uint8_t>(zero);
    const Tensor& w = context.constants[FusedConv::kW];
    const auto filters = w.data<std::int8_t>();
    std::vector<float> shift(static_cast<std::size_t>(conv.c));
    for (std::size_t i = 0; i < filters.size(); ++i) shift[i / 9] += zero * static_cast<float>(filters[i]);
    const OwnedAffine affine = affine_of(conv, context.constants, shift);
    const auto scale = affine.scale.data<float>(), bias = affine.bias.data<float>();
    for (std::size_t c = 0; c < scale.size(); ++c)
      if (!(9 * 255 * 128 * std::abs(scale[c]) + std::abs(bias[c]) < 2e9f))
        fail(Code::unsupported, "outputs of channel {} may not fit 32 bits before they are clamped", c);
    low_ = byte(affine.low);
    high_ = byte(affine.high);
    scale_ = by_block(scale);
    bias_ = by_block(bias);
    weights_ = context.weights.get(w, "depthwise bytes", [&] {
      Tensor packed(DType::i8, Shape{static_cast<std::int64_t>(blocks_.size()), kBlockWeights});
      auto* to = packed.data<std::int8_t>().data();
      for (const Block& block : blocks_)
        for (std::int64_t r = 0; r < 3; ++r)
          for (std::int64_t shifted = 0; shifted < 2; ++shifted)
            for (std::int64_t v = 0; v < 4; ++v)
              for (std::int64_t lane = 0; lane < 16; ++lane)
                for (std::int64_t pixel = 0; pixel < 4; ++pixel, ++to) {
                  const std::int64_t c = block.channel_of(v, lane), tap = pixel - shifted;
                  const bool inside = block.holds(c) && tap >= 0 && tap < 3;
                  *to = inside ? filters[static_cast<std::size_t>(c * 9 + r * 3 + tap)] : std::int8_t{0};
                }
      return packed;
    });
    const std::int64_t segment = (conv.ow + blocks_[0].segments - 1) / blocks_[0].segments;
    const std::int64_t positions = (segment + 3) / 4 * (conv.stride_w == 1 ? 2 : 4);
    ring_ = static_cast<std::size_t>(3 * positions * kBlock * 4);
    const std::int64_t tasks = conv.n * static_cast<std::int64_t>(blocks_.size());
    const std::int64_t wanted = (4 * threads_ + tasks - 1) / tasks;
    lines_ = std::max(kFewestLines, (conv.oh + wanted - 1) / wanted);
  }

  std::size_t workspace_bytes() const override { return ring_ * static_cast<std::size_t>(threads_); }
  bool reads_constant(std::size_t) const override { return false; }

  void run(const RunArgs& args) const override {
    const auto* x = static_cast<const std::uint8_t*>(args.inputs[FusedConv::kX]);
    auto* y = static_cast<std::uint8_t*>(args.outputs[0]);
    const auto count = static_cast<std::int64_t>(blocks_.size());
    const std::int64_t parts = (conv_.oh + lines_ - 1) / lines_;
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (std::int64_t i = 0; i < conv_.n * parts * count; ++i) {
      const std::int64_t b = i % count, part = i / count % parts, image = i / count / parts;
      const Block& block = blocks_[static_cast<std::size_t>(b)];
      DepthwiseBytesTask task{};
      task.x = x + image * conv_.h * conv_.w * conv_.c;
      task.y = y + image * conv_.oh * conv_.ow * conv_.c;
      task.h = conv_.h, task.w = conv_.w, task.channels = conv_.c, task.oh = conv_.oh, task.ow = conv_.ow;
      task.stride_h = static_cast<int>(conv_.stride_h), task.stride_w = static_cast<int>(conv_.stride_w);
      task.pad_top = static_cast<int>(conv_.pad_top), task.pad_left = static_cast<int>(conv_.pad_left);
      task.flip = flip_, task.padding = padding_;
      task.signed_y = conv_.y_type == DType::i8, task.low = low_, task.high = high_;
      task.weights = weights_.data<std::int8_t>().data() + b * kBlockWeights;
      task.scale = scale_.data() + b * kBlock;
      task.bias = bias_.data() + b * kBlock;
      task.segments = static_cast<int>(block.segments);
      task.channel = block.channel;
      task.channel_begin = static_cast<int>(block.begin), task.channel_end = static_cast<int>(block.end);
      task.line_begin = part * lines_, task.line_end = std::min(conv_.oh, (part + 1) * lines_);
      task.ring = static_cast<std::uint8_t*>(args.workspace) + ring_ * static_cast<std::size_t>(omp_get_thread_num());
      depthwise_bytes_avx512(task);
    }
  }

 private:
  std::uint8_t byte(float bound) const {
    return static_cast<std::uint8_t>(static_cast<int>(std::nearbyint(bound)) & 0xff);
  }
  std::vector<float> by_block(std::span<const float> values) const {
    std::vector<float> result;
    for (const Block& block : blocks_)
      for (std::int64_t v = 0; v < 4; ++v)
        for (std::int64_t lane = 0; lane < 16; ++lane) {
          const std::int64_t c = block.channel_of(v, lane);
          result.push_back(block.holds(c) ? values[static_cast<std::size_t>(c)] : 0.0f);
        }
    return result;
  }

  FusedConv conv_;
  int threads_;
  std::vector<Block> blocks_;
  std::int64_t lines_ = 0;  // a task's
  std::uint8_t flip_ = 0, padding_ = 0, low_ = 0, high_ = 0;
  std::vector<float> scale_, bias_;
  Tensor weights_;
  std::size_t ring_ = 0;
};

Support supports(const Problem& problem, const Backend& backend) {
  if (problem.op != "FusedConv") return Support::no("not a FusedConv");
  if (!backend.has("avx512_vnni")) return Support::no("no avx512_vnni here");
  const FusedConv conv = fused_conv_of(problem);
  if (conv.group != conv.c || conv.o != conv.c) return Support::no("not one filter a channel");
  if (!conv.is_int8() || !is_8bit(conv.y_type)) return Support::no("x or y is not 8-bit");
  if (conv.kh != 3 || conv.kw != 3 || conv.dilation_h != 1 || conv.dilation_w != 1) return Support::no("not 3x3");
  if (conv.stride_w > 2) return Support::no("a stride over 2");
  if (conv.has_residual) return Support::no("it has a residual");
  if (problem.output().shape.count() == 0) return Support::no("it is empty");
  return is_affine(problem, conv);
}

std::unique_ptr<Prepared> prepare(const PrepareContext& context) {
  return std::make_unique<DepthwiseBytesConv>(context, fused_conv_of(context.problem));
}

}  // namespace

extern const Kernel kernel_avx512_depthwise_bytes;
const Kernel kernel_avx512_depthwise_bytes{"avx512.depthwise_bytes", supports, plain::one_config, prepare};

}  // namespace halftone::cpu
