#include <cstring>

#include "cpu/parallel.h"
#include "cpu/plain.h"
#include "graph/op.h"

// Operators that only move elements. What goes where is found once by letting the operator's reference move numbers
// instead of elements; running is a list of block copies.
namespace halftone::cpu {
namespace {

using namespace plain;

constexpr std::string_view kMovers[] = {"DepthToSpace", "Expand", "Gather", "Pad",      "Slice",
                                        "SpaceToDepth", "Split",  "Tile",   "Transpose"};
constexpr std::string_view kRenamers[] = {"Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"};

template <std::size_t N>
bool among(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

/// `count` elements from `from` on go to `to`; from -1 is the fill value.
struct Block {
  std::int64_t from, to, count;
};

/// The blocks of each output, adjacent elements joined.
std::vector<std::vector<Block>> blocks_of(const Problem& problem, std::span<const Tensor> constants) {
  Problem numbers = problem;
  std::vector<Tensor> inputs(constants.begin(), constants.end());
  numbers.inputs[0].type.dtype = DType::i64;
  inputs[0] = Tensor(DType::i64, problem.input(0).shape);
  const auto elements = inputs[0].data<std::int64_t>();
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = static_cast<std::int64_t>(i) + 1;  // 0 is the fill
  for (auto& output : numbers.outputs)
    if (output.known()) output.dtype = DType::i64;
  if (problem.op == "Pad") numbers.attributes.set("constant_value", std::int64_t{0});
  std::vector<std::vector<Block>> result;
  for (const auto& output : evaluate(numbers, inputs)) {
    auto& blocks = result.emplace_back();
    if (!output.defined()) continue;
    const auto values = output.data<std::int64_t>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::int64_t from = values[i] - 1;
      const bool follows =
          !blocks.empty() && (from < 0 ? blocks.back().from < 0
                                       : blocks.back().from >= 0 && blocks.back().from + blocks.back().count == from);
      if (follows) ++blocks.back().count;
      else blocks.push_back({from, static_cast<std::int64_t>(i), 1});
    }
  }
  return result;
}

/// Long blocks in parts, so that the team shares them.
void split_long(std::vector<Block>& blocks, std::int64_t longest) {
  std::vector<Block> parts;
  for (const auto& block : blocks)
    for (std::int64_t at = 0; at < block.count; at += longest)
      parts.push_back({block.from < 0 ? -1 : block.from + at, block.to + at, std::min(longest, block.count - at)});
  blocks = std::move(parts);
}

template <typename T>
void move(const RunArgs& args, const std::vector<Block>& blocks, void* output, T fill) {
  const auto count = static_cast<std::int64_t>(blocks.size());
  std::int64_t elements = count ? blocks.back().to + blocks.back().count : 0;
  const std::int64_t chunk = std::max<std::int64_t>(1, count * 8192 / std::max<std::int64_t>(1, elements));
  in_chunks(
      count,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const Block& block = blocks[static_cast<std::size_t>(i)];
          T* to = static_cast<T*>(output) + block.to;
          if (block.from < 0) std::fill(to, to + block.count, fill);
          else {
            const T* from = static_cast<const T*>(args.inputs[0]) + block.from;
            if (block.count == 1) *to = *from;
            else std::memcpy(to, from, static_cast<std::size_t>(block.count) * sizeof(T));
          }
        }
      },
      chunk);
}

Support supports_move(const Problem& problem, const Backend&) {
  if (!among(kMovers, problem.op)) return Support::no("not a moving operator");
  for (std::size_t i = 1; i < problem.inputs.size(); ++i)
    if (problem.has(i) && !problem.constant(i)) return Support::no("where to is not constant");
  std::int64_t elements = 0;
  for (const auto& output : problem.outputs)
    if (output.known()) elements += output.shape.count();
  return elements <= std::int64_t{1} << 27 ? Support::yes() : Support::no("more than 2^27 elements");
}

std::unique_ptr<Prepared> prepare_move(const PrepareContext& context) {
  auto blocks = blocks_of(context.problem, context.constants);
  const std::size_t size = size_of(context.problem.input(0).dtype);
  for (auto& list : blocks) split_long(list, 16384);
  Tensor fill(context.problem.input(0).dtype, Shape{1});
  std::memset(fill.raw(), 0, fill.bytes());
  if (context.problem.op == "Pad") {
    const double value = context.problem.attributes.get_float("constant_value", 0);
    fill = Tensor::from<double>(Shape{1}, {value}).to(fill.dtype());
  }
  return std::make_unique<Function>(
      [=, blocks = std::move(blocks)](const RunArgs& args) {
        const auto each = [&](auto zero) {
          using T = decltype(zero);
          for (std::size_t i = 0; i < blocks.size(); ++i)
            if (args.outputs[i]) move<T>(args, blocks[i], args.outputs[i], *static_cast<const T*>(fill.raw()));
        };
        if (size == 1) each(std::uint8_t{});
        else if (size == 2) each(std::uint16_t{});
        else if (size == 4) each(std::uint32_t{});
        else each(std::uint64_t{});
      },
      -1);
}

Support supports_rename(const Problem& problem, const Backend&) {
  if (!among(kRenamers, problem.op)) return Support::no("it changes more than the shape");
  if (problem.outputs.size() > 1 && problem.outputs[1].known()) return Support::no("a second output");
  return Support::yes();
}

std::unique_ptr<Prepared> prepare_rename(const PrepareContext& context) {
  return std::make_unique<Function>(
      [bytes = static_cast<std::int64_t>(context.problem.output().bytes())](const RunArgs& args) {
        if (args.inputs[0] == args.outputs[0]) return;
        in_chunks(
            bytes,
            [&](std::int64_t begin, std::int64_t end) {
              std::memcpy(static_cast<char*>(args.outputs[0]) + begin, static_cast<const char*>(args.inputs[0]) + begin,
                          static_cast<std::size_t>(end - begin));
            },
            65536);
      },
      0);
}

/// A transposition that swaps two runs of axes: [batch, rows, columns] -> [batch, columns, rows] of `unit` elements.
struct Swap {
  std::int64_t batch = 1, rows = 1, columns = 1, unit = 1;
};

std::optional<Swap> swap_of(const Problem& problem) {
  if (problem.op != "Transpose") return std::nullopt;
  const Shape& x = problem.input(0).shape;
  auto permutation = problem.attributes.get_ints("perm");
  if (permutation.empty())
    for (std::size_t i = x.rank(); i-- > 0;) permutation.push_back(static_cast<std::int64_t>(i));
  std::size_t first = 0, last = x.rank();
  const auto at = [&](std::size_t i) { return static_cast<std::size_t>(permutation[i]); };
  Swap swap;
  while (first < last && at(first) == first) swap.batch *= x[first++];
  while (last > first && at(last - 1) == last - 1) swap.unit *= x[--last];
  if (first == last) return swap;
  const std::size_t middle = at(first);
  for (std::size_t i = first; i < last; ++i) {
    const std::size_t wanted = i - first < last - middle ? middle + (i - first) : first + (i - first - (last - middle));
    if (at(i) != wanted) return std::nullopt;
    (i < middle ? swap.rows : swap.columns) *= x[i];
  }
  return swap;
}

template <typename T>
void transpose(const T* x, T* y, const Swap& swap) {
  constexpr std::int64_t kTile = 32;
  const std::int64_t row_tiles = (swap.rows + kTile - 1) / kTile, column_tiles = (swap.columns + kTile - 1) / kTile;
  const std::int64_t plane = swap.rows * swap.columns;
  parallel_for(swap.batch * column_tiles, swap.batch * plane > 8192, [&](std::int64_t task) {
    const T* from = x + task / column_tiles * plane;
    T* to = y + task / column_tiles * plane;
    const std::int64_t c0 = task % column_tiles * kTile, c1 = std::min(swap.columns, c0 + kTile);
    for (std::int64_t tile = 0; tile < row_tiles; ++tile) {
      const std::int64_t r0 = tile * kTile, r1 = std::min(swap.rows, r0 + kTile);
      for (std::int64_t c = c0; c < c1; ++c)
        for (std::int64_t r = r0; r < r1; ++r) to[c * swap.rows + r] = from[r * swap.columns + c];
    }
  });
}

/// The same for a few rows, as an image's planes are: each run of columns is read from every row and written once.
template <int kRows, typename T>
void interleave(const T* x, T* y, const Swap& swap) {
  constexpr std::int64_t kRun = 8192;
  const std::int64_t runs = (swap.columns + kRun - 1) / kRun, plane = kRows * swap.columns;
  parallel_for(swap.batch * runs, swap.batch * plane > 8192, [&](std::int64_t task) {
    const std::int64_t begin = task % runs * kRun, count = std::min(swap.columns - begin, kRun);
    const T* from = x + task / runs * plane + begin;
    T* __restrict to = y + task / runs * plane + begin * kRows;
    for (std::int64_t c = 0; c < count; ++c)
      for (int r = 0; r < kRows; ++r) to[c * kRows + r] = from[r * swap.columns + c];
  });
}

Support supports_transpose(const Problem& problem, const Backend&) {
  const auto swap = swap_of(problem);
  if (!swap) return Support::no("not a transposition that swaps two runs of axes");
  return swap->unit == 1 ? Support::yes() : Support::no("it moves whole rows");
}

std::unique_ptr<Prepared> prepare_transpose(const PrepareContext& context) {
  const Swap swap = *swap_of(context.problem);
  return std::make_unique<Function>([swap, size = size_of(context.problem.input(0).dtype)](const RunArgs& args) {
    const auto each = [&](auto zero) {
      using T = decltype(zero);
      const auto* x = static_cast<const T*>(args.inputs[0]);
      auto* y = static_cast<T*>(args.outputs[0]);
      if (swap.rows == 3) interleave<3>(x, y, swap);
      else if (swap.rows == 4) interleave<4>(x, y, swap);
      else transpose(x, y, swap);
    };
    if (size == 1) each(std::uint8_t{});
    else if (size == 2) each(std::uint16_t{});
    else if (size == 4) each(std::uint32_t{});
    else each(std::uint64_t{});
  });
}

}  // namespace

extern const Kernel kernel_plain_move, kernel_plain_rename, kernel_plain_transpose;
const Kernel kernel_plain_move{"plain.move", supports_move, one_config, prepare_move};
const Kernel kernel_plain_rename{"plain.rename", supports_rename, one_config, prepare_rename};
const Kernel kernel_plain_transpose{"plain.transpose", supports_transpose, one_config, prepare_transpose};

}  // namespace halftone::cpu
