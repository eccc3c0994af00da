#include <gtest/gtest.h>

#include <numeric>

#include "tests/unit/graph/run.h"

// Operators that move elements: slices, pads, gathers, scatters, blocks.
namespace halftone {
namespace {

Tensor counting(Shape shape) {
  Tensor tensor(DType::f32, std::move(shape));
  auto data = tensor.data<float>();
  std::iota(data.begin(), data.end(), 0.0f);
  return tensor;
}

TEST(Moving, SliceFollowsPython) {
  const Tensor x = counting({10});
  EXPECT_EQ(run("Slice", "starts=1, ends=-1, steps=3,", {x}).to_doubles(), (Doubles{1, 4, 7}));
  EXPECT_EQ(run("Slice", "starts=-1, ends=-100, steps=-4,", {x}).to_doubles(), (Doubles{9, 5, 1}));
  EXPECT_EQ(run("Slice", "starts=100, ends=5, steps=-2,", {x}).to_doubles(), (Doubles{9, 7}));
  EXPECT_EQ(run("Slice", "starts=5, ends=2,", {x}).count(), 0);
  EXPECT_EQ(run("Slice", "starts=1,0 ends=2,2 axes=-1,0", {counting({3, 4})}).to_doubles(), (Doubles{1, 5}));
  EXPECT_EQ(run("Slice", "starts=1, ends=9223372036854775807,", {counting({2, 2})}).to_doubles(), (Doubles{2, 3}));
}

TEST(Moving, PadFillsInEveryMode) {
  const Tensor x = f32({3}, {1, 2, 3});
  EXPECT_EQ(run("Pad", "pads=1,2 constant_value=9.0", {x}).to_doubles(), (Doubles{9, 1, 2, 3, 9, 9}));
  EXPECT_EQ(run("Pad", "pads=2,2 mode=reflect", {x}).to_doubles(), (Doubles{3, 2, 1, 2, 3, 2, 1}));
  EXPECT_EQ(run("Pad", "pads=5,0 mode=reflect", {x}).to_doubles(), (Doubles{2, 1, 2, 3, 2, 1, 2, 3}));
  EXPECT_EQ(run("Pad", "pads=2,1 mode=edge", {x}).to_doubles(), (Doubles{1, 1, 1, 2, 3, 3}));
  EXPECT_EQ(run("Pad", "pads=4,2 mode=wrap", {x}).to_doubles(), (Doubles{3, 1, 2, 3, 1, 2, 3, 1, 2}));
  EXPECT_EQ(run("Pad", "pads=-1,1", {x}).to_doubles(), (Doubles{2, 3, 0}));
  EXPECT_EQ(run("Pad", "pads=1,0 axes=-1,", {counting({2, 1})}).to_doubles(), (Doubles{0, 0, 0, 1}));
  EXPECT_EQ(run("Pad", "pads=1,1 constant_value=-7", {i64({1}, {5})}).to_ints(), (Ints{-7, 5, -7}));
}

TEST(Moving, SplitGivesTheRemainderToTheLast) {
  const auto parts = run_all("Split", "axis=-1", {counting({2, 5})}, 3);
  EXPECT_EQ(parts[0].to_doubles(), (Doubles{0, 1, 5, 6}));
  EXPECT_EQ(parts[1].to_doubles(), (Doubles{2, 3, 7, 8}));
  EXPECT_EQ(parts[2].to_doubles(), (Doubles{4, 9}));
  const auto named = run_all("Split", "split=1,0,2", {counting({3})}, 3);
  EXPECT_EQ(named[1].count(), 0);
  EXPECT_EQ(named[2].to_doubles(), (Doubles{1, 2}));
}

TEST(Moving, ConcatJoinsAlongAnyAxis) {
  const Tensor y = run("Concat", "axis=1", {f32({2, 1}, {1, 2}), f32({2, 0}, {}), f32({2, 2}, {3, 4, 5, 6})});
  EXPECT_EQ(y.to_doubles(), (Doubles{1, 3, 4, 2, 5, 6}));
}

TEST(Moving, ExpandAndTileRepeat) {
  EXPECT_EQ(run("Expand", "shape=2,1", {f32({3}, {1, 2, 3})}).to_doubles(), (Doubles{1, 2, 3, 1, 2, 3}));
  EXPECT_EQ(run("Tile", "repeats=2,2", {f32({1, 2}, {1, 2})}).to_doubles(), (Doubles{1, 2, 1, 2, 1, 2, 1, 2}));
  EXPECT_EQ(run("Tile", "repeats=0,2", {f32({1, 2}, {1, 2})}).count(), 0);
}

TEST(Moving, GathersCountFromTheEnd) {
  const Tensor x = counting({3, 2});
  EXPECT_EQ(run("Gather", "", {x, i64({2}, {-1, 0})}).to_doubles(), (Doubles{4, 5, 0, 1}));
  EXPECT_EQ(run("Gather", "axis=1", {x, i64({}, {1})}).type().text(), "f32:3");
  EXPECT_EQ(run("GatherElements", "axis=1", {x, i64({2, 1}, {1, -2})}).to_doubles(), (Doubles{1, 2}));
  EXPECT_EQ(run("GatherND", "", {x, i64({2, 1}, {2, 0})}).to_doubles(), (Doubles{4, 5, 0, 1}));
  EXPECT_EQ(run("GatherND", "batch_dims=1", {counting({2, 2, 2}), i64({2, 1}, {1, 0})}).to_doubles(),
            (Doubles{2, 3, 4, 5}));
}

TEST(Moving, IndicesOutOfRangeAreRefused) {
  const Tensor x = counting({3, 2});
  const auto refused = [&](std::string_view op, std::vector<Tensor> inputs) {
    Code code{};
    const auto message = message_of([&] { (void)run(op, "", std::move(inputs)); }, &code);
    EXPECT_NE(message.find("out of range"), std::string::npos) << op << ": " << message;
  };
  refused("Gather", {x, i64({1}, {3})});
  refused("Gather", {x, i64({1}, {-4})});
  refused("GatherElements", {x, i64({1, 2}, {0, 3})});
  refused("GatherND", {x, i64({1, 2}, {0, 2})});
  refused("ScatterElements", {x, i64({1, 1}, {5}), f32({1, 1}, {1})});
  refused("ScatterND", {x, i64({1, 1}, {std::numeric_limits<std::int64_t>::min()}), f32({1, 2}, {1, 2})});
}

TEST(Moving, ScattersReduce) {
  const Tensor x = f32({4}, {1, 2, 3, 4});
  const Tensor at = i64({3}, {1, 1, -1});
  const Tensor updates = f32({3}, {10, 20, 3});
  EXPECT_EQ(run("ScatterElements", "", {x, at, updates}).to_doubles(), (Doubles{1, 20, 3, 3}));
  EXPECT_EQ(run("ScatterElements", "reduction=add", {x, at, updates}).to_doubles(), (Doubles{1, 32, 3, 7}));
  EXPECT_EQ(run("ScatterElements", "reduction=min", {x, at, updates}).to_doubles(), (Doubles{1, 2, 3, 3}));
  const Tensor tuples = i64({3, 1}, {1, 1, 3});
  EXPECT_EQ(run("ScatterND", "reduction=mul", {x, tuples, updates}).to_doubles(), (Doubles{1, 400, 3, 12}));
  EXPECT_EQ(run("ScatterND", "reduction=max", {x, tuples, updates}).to_doubles(), (Doubles{1, 20, 3, 4}));
}

TEST(Moving, BlocksMoveBothWays) {
  // Every channel holds its number; depth to space interleaves four of them.
  const Tensor x = f32({1, 4, 1, 1}, {0, 1, 2, 3});
  EXPECT_EQ(run("DepthToSpace", "blocksize=2", {x}).to_doubles(), (Doubles{0, 1, 2, 3}));
  const Tensor channels = counting({1, 8, 1, 1});
  EXPECT_EQ(run("DepthToSpace", "blocksize=2", {channels}).to_doubles(), (Doubles{0, 2, 4, 6, 1, 3, 5, 7}));
  EXPECT_EQ(run("DepthToSpace", "blocksize=2 mode=CRD", {channels}).to_doubles(), (Doubles{0, 1, 2, 3, 4, 5, 6, 7}));
  const Tensor picture = counting({2, 3, 4, 6});
  const Tensor deep = run("SpaceToDepth", "blocksize=2", {picture});
  EXPECT_EQ(deep.type().text(), "f32:2x12x2x3");
  EXPECT_EQ(run("DepthToSpace", "blocksize=2", {deep}).to_doubles(), picture.to_doubles());
}

TEST(Moving, TrianglesAndDiagonals) {
  const Tensor x = counting({2, 3});
  EXPECT_EQ(run("Trilu", "k=1", {x}).to_doubles(), (Doubles{0, 1, 2, 0, 0, 5}));
  EXPECT_EQ(run("Trilu", "upper=0", {x}).to_doubles(), (Doubles{0, 0, 0, 3, 4, 0}));
  EXPECT_EQ(run("Trilu", "k=9223372036854775807", {x}).to_doubles(), Doubles(6, 0));
  EXPECT_EQ(run("EyeLike", "k=-1 dtype=i32", {x}).to_ints(), (Ints{0, 0, 0, 1, 0, 0}));
}

TEST(Moving, OneHotIgnoresWhatIsOutOfRange) {
  const Tensor y = run("OneHot", "axis=0 depth=3 values=<i32:2;5,7>", {i64({3}, {-1, 1, 3})});
  EXPECT_EQ(y.type().text(), "i32:3x3");
  EXPECT_EQ(y.to_ints(), (Ints{5, 5, 5, 5, 7, 5, 7, 5, 5}));
}

TEST(Moving, ReshapeCopiesZerosAndSolvesOneExtent) {
  EXPECT_EQ(run("Reshape", "shape=0,-1,2", {counting({2, 3, 4})}).type().text(), "f32:2x6x2");
  EXPECT_EQ(run("Reshape", "shape=[]", {counting({1, 1})}).type().text(), "f32:");
  EXPECT_EQ(run("Squeeze", "", {counting({1, 3, 1})}).type().text(), "f32:3");
  EXPECT_EQ(run("Flatten", "axis=0", {counting({2, 3})}).type().text(), "f32:1x6");
  EXPECT_EQ(run("Flatten", "axis=0", {counting({})}).type().text(), "f32:1x1");
}

TEST(Moving, ConstantsTakeEveryForm) {
  EXPECT_EQ(run("Constant", "value_float=0.5", {}).type().text(), "f32:");
  EXPECT_EQ(run("Constant", "value_ints=1,2", {}).to_ints(), (Ints{1, 2}));
  EXPECT_EQ(run("Constant", "value=<i8:2;3,-4>", {}).to_ints(), (Ints{3, -4}));
  EXPECT_EQ(run("ConstantOfShape", "shape=2,", {}).to_doubles(), (Doubles{0, 0}));
  EXPECT_EQ(run("Range", "start=<f32:;1> limit=<f32:;-1> delta=<f32:;-0.5>", {}).to_doubles(),
            (Doubles{1, 0.5, 0, -0.5}));
}

TEST(Moving, RangesCountExactly) {
  const auto count = [](std::string_view text) { return Problem::parse(text).output().shape[0]; };
  EXPECT_EQ(count("Range delta=<i64:;1> limit=<i64:;4611686018427387907> start=<i64:;4611686018427387904>"), 3);
  EXPECT_EQ(count("Range delta=<i8:;-100> limit=<i8:;-128> start=<i8:;127>"), 3);
  EXPECT_EQ(count("Range delta=<i32:;1> limit=<i32:;0> start=<i32:;5>"), 0);
  EXPECT_EQ(count("Range delta=<f32:;0.5> limit=<f32:;2> start=<f32:;0.25>"), 4);
  EXPECT_NE(message_of([&] { (void)count("Range delta=<f32:;1> limit=<f32:;nan> start=<f32:;0>"); }), "");
}

TEST(Moving, DropoutPassesItsInputOn) {
  const auto outputs = run_all("Dropout", "ratio=0.5", {f32({2}, {1, 2})}, 2);
  EXPECT_EQ(outputs[0].to_doubles(), (Doubles{1, 2}));
  EXPECT_EQ(outputs[1].to_ints(), (Ints{1, 1}));
  EXPECT_NE(message_of([] { (void)run("Dropout", "training_mode=1", {f32({2}, {1, 2})}); }), "");
}

}  // namespace
}  // namespace halftone
