#include "graph/text.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace halftone {
namespace {

constexpr std::string_view kExample = R"(
graph example   # a comment
input x f32:N@2x3x8x8
const w f32:4x3x3x3 random(7)
const s f32:2 [0.5 -1]
y = Transpose(x) perm=0,2,3,1
"odd, name" = Relu(y)
output "odd, name"
output s
)";

std::string error_of(std::string_view text) {
  try {
    (void)parse_graph(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Text, ReadsNodesConstantsAndSymbolicExtents) {
  const Graph graph = parse_graph(kExample);
  EXPECT_EQ(graph.name, "example");
  ASSERT_EQ(graph.nodes.size(), 2u);
  EXPECT_EQ(graph.nodes[0].op, "Transpose");
  EXPECT_EQ(graph.nodes[1].name, "odd, name");
  const auto& x = graph.value(graph.inputs[0]);
  EXPECT_EQ(x.dim_names, (std::vector<std::string>{"N", "", "", ""}));
  EXPECT_EQ(graph.value(graph.outputs[0]).type.text(), "f32:2x8x8x3");
  EXPECT_EQ(graph.value(graph.outputs[1]).constant.to_doubles(), (std::vector<double>{0.5, -1}));
}

TEST(Text, PrintReadsBack) {
  const std::string once = print(parse_graph(kExample));
  EXPECT_EQ(once, print(parse_graph(once)));
  EXPECT_NE(once.find("x f32:N@2x3x8x8\n"), std::string::npos) << once;
  EXPECT_NE(once.find("const s f32:2 [0.5 -1]\n"), std::string::npos) << once;
}

TEST(Text, RandomConstantsAreSeededAndBounded) {
  const auto constant = [](std::string_view type, std::string_view fill) {
    const Graph graph = parse_graph(fmt::format("const c {} {}\noutput c\n", type, fill));
    return graph.value(graph.outputs[0]).constant.to_doubles();
  };
  EXPECT_EQ(constant("f32:40", "random(1)"), constant("f32:40", "random(1)"));
  EXPECT_NE(constant("f32:40", "random(1)"), constant("f32:40", "random(2)"));
  const auto bytes = constant("i8:4000", "random(3)");
  EXPECT_EQ(*std::min_element(bytes.begin(), bytes.end()), -128);
  EXPECT_EQ(*std::max_element(bytes.begin(), bytes.end()), 127);
  for (const double value : constant("f32:100", "random(4,0.5,0.75)")) {
    EXPECT_GE(value, 0.5);
    EXPECT_LT(value, 0.75);
  }
  EXPECT_EQ(constant("i64:2x2", "full(3)"), (std::vector<double>{3, 3, 3, 3}));
}

TEST(Text, LargeConstantsAreElided) {
  const auto graph = parse_graph("const c f32:17 random(1)\noutput c\n");
  EXPECT_NE(print(graph).find("elided("), std::string::npos);
  EXPECT_THROW((void)parse_graph(print(graph)), Error);
}

TEST(Text, ErrorsNameTheLine) {
  EXPECT_EQ(error_of("input x f32:2\ny = Relu(z)\n"), "line 2: 'z' is nothing defined above");
  EXPECT_EQ(error_of("input x f32:2\ninput x f32:2\n"), "line 2: 'x' is there already");
  EXPECT_EQ(error_of("input x f99:2\n"), "line 1: 'f99:2' is not a tensor type such as f32:1x3x8x8");
  EXPECT_EQ(error_of("const c f32:3 [1 2]\n"), "line 1: 2 values for f32:3");
  EXPECT_EQ(error_of("input x f32:2\ny = Relu(x\n"), "line 2: a word expected before ''");
  EXPECT_EQ(error_of("input x f32:2\noutput x y\n"), "line 2: unexpected text at the end: 'y'");
  EXPECT_NE(error_of("input x f32:2\ny = Nonsense(x)\noutput y\n").find("Nonsense"), std::string::npos);
}

}  // namespace
}  // namespace halftone
