#include "graph/problem.h"

#include <gtest/gtest.h>

#include "tests/unit/graph/run.h"

namespace halftone {
namespace {

struct Line {
  std::string_view text;
  std::string_view output;
};

constexpr Line kLines[] = {
    {"Relu f32:1x3x224x224", "f32:1x3x224x224"},
    {"Add f32:8x1x6x1 f32:7x1x5!", "f32:8x7x6x5"},
    {"FusedConv f32:1x56x56x64 f32:64x3x3x64! f32:64! act=relu pads=1*4 strides=2*2", "f32:1x28x28x64"},
    {"FusedConv bf16:1x7x7x8 bf16:16x1x1x8! _ bf16:1x7x7x16", "bf16:1x7x7x16"},
    {"Reshape f32:2x3x4 shape=0,-1", "f32:2x12"},
    {"Reshape f32:0x3 allowzero=1 shape=3,0", "f32:3x0"},
    {"Flatten f32:2x3x4x5 axis=2", "f32:6x20"},
    {"Squeeze f32:1x3x1 axes=-1,", "f32:1x3"},
    {"Unsqueeze f32:3x4 axes=0,-1", "f32:1x3x4x1"},
    {"Slice f32:10x20 axes=1, ends=-1000, starts=-1, steps=-3,", "f32:10x7"},
    {"Split f32:7x2 num_outputs=3 outputs=3", "f32:3x2"},
    {"Concat i64:2 i64:3 axis=0", "i64:5"},
    {"Pad f32:1x3x5x5 mode=reflect pads=0,0,2,2,0,0,2,2", "f32:1x3x9x9"},
    {"Expand f32:3x1 shape=2,1,4", "f32:2x3x4"},
    {"Tile u8:2x3 repeats=1,4", "u8:2x12"},
    {"Gather f32:5x4 i64:2x3 axis=1", "f32:5x2x3"},
    {"ReduceMean f32:2x3x4x4 axes=2,3", "f32:2x3x1x1"},
    {"ReduceSum f32:2x3x4 keepdims=0", "f32:"},
    {"ArgMax f32:2x3x4 axis=-1 keepdims=0", "i64:2x3"},
    {"TopK f32:1x1000 K=5 outputs=2", "f32:1x5"},
    {"OneHot i64:3 depth=10 values=<f32:2;0,1>", "f32:3x10"},
    {"Range delta=<i32:;2> limit=<i32:;7> start=<i32:;0>", "i32:4"},
    {"ConstantOfShape shape=2,3 value=<i64:1;7>", "i64:2x3"},
    {"Constant value=<f32:2x2;1,2,3,4>", "f32:2x2"},
    {"Cast f32:4 to=f16", "f16:4"},
    {"Clip f32:4 max=6.0 min=0.0", "f32:4"},
    {"Where bool:2x1 f32:3 f32:", "f32:2x3"},
    {"DepthToSpace f32:1x8x2x3 blocksize=2 mode=CRD", "f32:1x2x4x6"},
};

TEST(Problem, LinesInferAndReadBack) {
  for (const auto& [line, output] : kLines) {
    const Problem problem = Problem::parse(line);
    EXPECT_EQ(problem.text(), line);
    EXPECT_EQ(problem.output().text(), output) << line;
    EXPECT_EQ(Problem::parse(problem.text()).attributes, problem.attributes) << line;
  }
}

TEST(Problem, NumbersOfOnnxNameElementTypesToo) {
  EXPECT_EQ(Problem::parse("Cast f32:4 to=10").output().dtype, DType::f16);
  EXPECT_EQ(message_of([] { (void)Problem::parse("Cast f32:4 to=8"); }),
            "attribute 'to': ONNX element type 8 is not supported");
}

TEST(Problem, DamagedLinesAreRefused) {
  const auto refuses = [](std::string_view line, Code wanted) {
    Code code{};
    EXPECT_NE(message_of([&] { (void)Problem::parse(line); }, &code), "") << line;
    EXPECT_EQ(code, wanted) << line;
  };
  refuses("", Code::invalid_argument);
  refuses("  \t ", Code::invalid_argument);
  refuses("Frobnicate f32:1", Code::unsupported);
  refuses("Relu f33:1", Code::invalid_argument);
  refuses("Relu f32:1x", Code::invalid_argument);
  refuses("Relu f32:-1", Code::invalid_argument);
  refuses("Relu f32:1x1x1x1x1x1x1x1x1x1x1x1x1", Code::invalid_argument);
  refuses("Relu f32:4 =3", Code::invalid_argument);
  refuses("Split f32:4 outputs=0", Code::invalid_argument);
  refuses("Split f32:4 outputs=many", Code::invalid_argument);
  refuses("Relu f32:1000000x1000000x1000000", Code::resource_exhausted);
  refuses("Relu", Code::invalid_model);
  refuses("Relu f32:1 f32:1", Code::invalid_model);
  refuses("Relu f32:4 outputs=2", Code::invalid_model);
  refuses("Relu bool:4", Code::invalid_model);
  refuses("Add f32:3 f32:4", Code::invalid_model);
  refuses("Add f32:3 _", Code::invalid_model);
  refuses("Add f32:3 f64:3", Code::invalid_model);
}

TEST(Problem, ShapesThatDoNotFitAreRefused) {
  for (const auto line : {"Reshape f32:2x3 shape=4,2",
                          "Reshape f32:2x3 shape=-1,-1",
                          "Reshape f32:2x3",
                          "Reshape f32:2x3 shape=-1,0,7",
                          "Squeeze f32:2x3 axes=0,",
                          "Unsqueeze f32:2 axes=0,0",
                          "Slice f32:4 ends=2, starts=0, steps=0,",
                          "Slice f32:4 ends=1,2 starts=0,1",
                          "Split f32:4 outputs=2 split=1,1",
                          "Split f32:4 num_outputs=3 outputs=2",
                          "Concat f32:2x3 f32:2x4 axis=0",
                          "Concat f32:2x3 f32:2x3",
                          "Expand f32:3 shape=4,",
                          "Tile f32:3 repeats=1,2",
                          "Pad f32:3 pads=1,",
                          "Pad f32:3 pads=-2,-2",
                          "Pad f32:0 mode=edge pads=1,1",
                          "Gather f32:3 f32:1",
                          "Gather f32: i64:1",
                          "ReduceSum f32:2x3 axes=5,",
                          "TopK f32:3 K=4",
                          "ArgMax f32:0x3",
                          "Softmax f32:2 axis=1",
                          "OneHot i64:2 depth=3 values=<f32:1;0>",
                          "Trilu f32:3",
                          "EyeLike f32:3",
                          "BitShift u8:1 u8:1",
                          "DepthToSpace f32:1x3x2x2 blocksize=2",
                          "Mod f32:1 f32:1",
                          "Range delta=<i32:;0> limit=<i32:;1> start=<i32:;0>"}) {
    Code code{};
    EXPECT_NE(message_of([&] { (void)Problem::parse(line); }, &code), "") << line;
    EXPECT_EQ(code, Code::invalid_model) << line;
  }
}

TEST(Problem, HugeAttributesDoNotOverflow) {
  for (const auto line :
       {"Tile f32:2 repeats=9223372036854775807,", "Pad f32:2 pads=9223372036854775807,1",
        "ConstantOfShape shape=9223372036854775807,2", "Range delta=<f64:;1e-300> limit=<f64:;1e300> start=<f64:;0>"}) {
    Code code{};
    EXPECT_NE(message_of([&] { (void)Problem::parse(line); }, &code), "") << line;
    EXPECT_EQ(code, Code::resource_exhausted) << line;
  }
  // The largest step there is, both ways.
  EXPECT_EQ(
      Problem::parse("Slice f32:9 ends=9223372036854775807, starts=0, steps=9223372036854775807,").output().text(),
      "f32:1");
  EXPECT_EQ(
      Problem::parse("Slice f32:9 ends=-9223372036854775808, starts=-1, steps=-9223372036854775808,").output().text(),
      "f32:1");
}

TEST(Problem, CostCountsReadsAndWrites) {
  const auto reduced = cost(Problem::parse("ReduceMean f32:2x3x4x4 axes=2,3"));
  EXPECT_EQ(reduced.flops, 96);
  EXPECT_EQ(reduced.bytes, 4 * (96 + 6));
  EXPECT_EQ(cost(Problem::parse("Reshape f32:6 shape=2,3")).flops, 0);
  EXPECT_EQ(cost(Problem::parse("Add f32:6 f32:1")).flops, 6);
  EXPECT_EQ(cost(Problem::parse("FusedConv f32:1x4x4x2 f32:3x1x1x2!")).macs, 4 * 4 * 2 * 3);
}

TEST(Ops, EveryRowIsCompleteAndInOrder) {
  std::string_view before;
  for (const Op* op : all_ops()) {
    EXPECT_LT(before, op->name);
    before = op->name;
    EXPECT_EQ(find_op(op->name), op);
    EXPECT_NE(op->infer, nullptr) << op->name;
    EXPECT_NE(op->reference != nullptr, op->expand != nullptr) << op->name;
    for (const auto& structural : op->structural) EXPECT_LT(structural.index, op->max_inputs) << op->name;
  }
}

}  // namespace
}  // namespace halftone
