#include <gtest/gtest.h>

#include "cpu/cpu_backend.h"
#include "graph/fused_conv.h"
#include "passes/pass.h"
#include "tests/unit/quant/residual_network.h"

// What lies between products of 8 and of 16 bits, on a device whose products do as a GPU's.
namespace halftone {
namespace {

/// Products of 8 bits leave what they are made of, 16 bits or fp32; of 16 bits their own or 8. They add what they read.
bool runs_on_gpus(const Problem& problem) {
  if (problem.op != "FusedConv") return true;
  const FusedConv conv = fused_conv_of(problem);
  if (conv.has_residual && conv.residual_type != conv.x_type) return false;
  const bool half = conv.y_type == DType::f16 || conv.y_type == DType::bf16;
  if (conv.scaled()) return conv.y_type == conv.x_type || conv.y_type == DType::f32 || half;
  if (conv.x_type == DType::f32) return conv.y_type == DType::f32;
  const bool product = conv.oh * conv.ow == 1 && conv.kh * conv.kw == 1;  // whose sums may be finished apart
  return conv.y_type == conv.x_type || is_quantised(conv.y_type) || (product && conv.y_type == DType::f32);
}

TEST(MixedBorders, NothingWiderThanSixteenBitsLiesBetweenProducts) {
  for (const bool fp8 : {false, true}) {
    const auto model = tests::calibrated_network(make_cpu_backend(), fp8);
    ASSERT_EQ(products_of(model.graph).size(), 7u);
    for (unsigned which = 0; which < 128; which += 7) {  // of all mixes some
      Graph graph = tests::mix_of(model, which, Precision::bf16);
      set_batch(graph, 4);
      PassContext context;
      context.runs_well = runs_on_gpus;
      lower(graph, context);
      for (const auto& node : graph.nodes) {
        SCOPED_TRACE(fmt::format("fp8 {} mix {:b}\n{}", fp8, which, print(graph)));
        const Shape& shape = graph.value(node.inputs[0]).type.shape;
        const auto reads = graph.value(node.inputs[0]).type.dtype;
        const bool first = shape.count() == 4 * 32 * 32, average = shape.count() == 4 * 128;
        if (node.op == "FusedConv") {
          ASSERT_NE(reads, DType::f32);
          ASSERT_TRUE(runs_on_gpus(problem_of(graph, node)));
        } else if (node.op == "MaxPool") {
          ASSERT_NE(reads, DType::f32);
        } else if (node.op == "Cast") {
          ASSERT_TRUE(first);
        } else if (node.op == "QuantizeLinear") {
          ASSERT_TRUE(reads != DType::f32 || first || average);
        }
      }
    }
  }
}

}  // namespace
}  // namespace halftone
