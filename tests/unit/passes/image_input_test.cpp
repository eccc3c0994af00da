#include "passes/byte_images.h"
#include "tests/unit/passes/passes_test.h"

namespace halftone {
namespace {

using test::ops;

constexpr const char* kNetwork =
    "input x f32:2x3x8x8\nconst w f32:4x3x3x3 random(1)\ny = Conv(x, w) pads=1*4\noutput y\n";

Graph with_bytes() {
  Graph graph = parse_graph(kNetwork);
  const float multiply[] = {0.01f, 0.02f, 0.03f}, add[] = {-1.0f, -1.5f, -2.0f};
  read_byte_images(graph, multiply, add);
  infer_types(graph);
  graph.verify();
  return graph;
}

TEST(ImageInput, BytesMeanWhatNormalisedFloatsMean) {
  const Graph bytes = with_bytes();
  const TensorType type = bytes.value(bytes.inputs[0]).type;
  EXPECT_EQ(type.text(), "u8:2x8x8x3");
  const Tensor picture = test::random_tensor(type, 5);
  Tensor normal(DType::f32, Shape{2, 3, 8, 8});
  const float multiply[] = {0.01f, 0.02f, 0.03f}, add[] = {-1.0f, -1.5f, -2.0f};
  for (std::size_t n = 0; n < 2; ++n)
    for (std::size_t pixel = 0; pixel < 64; ++pixel)
      for (std::size_t c = 0; c < 3; ++c)
        normal.data<float>()[(n * 3 + c) * 64 + pixel] =
            static_cast<float>(picture.data<std::uint8_t>()[(n * 64 + pixel) * 3 + c]) * multiply[c] + add[c];
  test::expect_close(evaluate(parse_graph(kNetwork), std::vector<Tensor>{normal}),
                     evaluate(bytes, std::vector<Tensor>{picture}), 1e-6);
}

TEST(ImageInput, BytesEnterInOneStep) {
  const Graph graph = test::lowered(with_bytes());
  EXPECT_EQ(ops(graph), "ImageInput FusedConv Transpose");
  EXPECT_EQ(graph.nodes[0].attributes.get_string("layout", ""), "NHWC");
}

TEST(ImageInput, HalvesAreRoundedOnTheWayIn) {
  PassContext context;
  context.precision = Precision::fp16;
  const Graph graph = test::lowered(std::string_view(kNetwork), 2e-2, context);
  EXPECT_EQ(graph.nodes[0].op, "ImageInput") << ops(graph);
  EXPECT_EQ(graph.value(graph.nodes[0].outputs[0]).type.text(), "f16:2x8x8x3");
}

TEST(ImageInput, QuantisedInputIsOneStep) {
  const Graph graph = test::lowered(
      "input x f32:2x3x8x8\nconst s f32: [0.02]\nconst z i8: [0]\nconst w f32:4x3x3x3 random(1)\n"
      "q = QuantizeLinear(x, s, z)\nd = DequantizeLinear(q, s, z)\nconst wq i8:4x3x3x3 random(3,-127,128)\n"
      "const ws f32:4 random(3,0.001,0.002)\nconst wz i8:4 zeros\nv = DequantizeLinear(wq, ws, wz) axis=0\n"
      "y = Conv(d, v) pads=1*4\noutput y\n");
  EXPECT_EQ(ops(graph), "ImageInput FusedConv Transpose");
  EXPECT_EQ(graph.value(graph.nodes[0].outputs[0]).type.text(), "i8:2x8x8x3");
}

TEST(ImageInput, WhereTheDeviceHasNoKernelNothingChanges) {
  PassContext context;
  context.can_run = [](const Problem& problem) { return problem.op != "ImageInput"; };
  const Graph graph = test::lowered(with_bytes(), 1e-5, context);
  EXPECT_EQ(test::count(graph, "ImageInput"), 0);
}

TEST(ImageInput, OtherModelsAreRefused) {
  const float one[] = {1}, zero[] = {0};
  Graph graph = parse_graph("input x f32:2x7\ny = Relu(x)\noutput y\n");
  EXPECT_THROW(read_byte_images(graph, one, zero), Error);
}

}  // namespace
}  // namespace halftone
