#include <cmath>

#include "graph/ops/image.h"

namespace halftone {
namespace {

/// Instance normalisation is group normalisation with a channel a group.
std::int64_t groups_of(const Attributes& attributes, const ops::Image& x, bool instance) {
  const auto groups = instance ? x.c : attributes.get_int("num_groups", 0);
  if (instance) return std::max<std::int64_t>(1, groups);
  if (groups < 1 || x.c % groups != 0) fail(Code::invalid_model, "{} groups do not divide {} channels", groups, x.c);
  return groups;
}

template <bool instance>
void infer(InferContext& context) {
  ops::require_float(context, 0);
  const auto x = ops::image_of(context.attributes, context.shape(0));
  (void)groups_of(context.attributes, x, instance);
  for (std::size_t i = 1; i < 3; ++i) {
    ops::require_float(context, i);
    ops::require_shape(context, i, Shape{x.c});
  }
  context.set_output(0, context.input(0).dtype, context.shape(0));
}

template <bool instance>
void reference(const ReferenceContext& context) {
  const auto x = ops::image_of(context.attributes, context.inputs[0].shape());
  const auto groups = groups_of(context.attributes, x, instance);
  const auto each = x.c / groups;
  const double epsilon = context.attributes.get_float("epsilon", 1e-5);
  const auto in = context.inputs[0].to_doubles();
  const auto scale = context.inputs[1].to_doubles();
  const auto bias = context.inputs[2].to_doubles();
  std::vector<double> out(in.size());
  for (std::int64_t n = 0; n < x.n; ++n)
    for (std::int64_t group = 0; group < groups; ++group) {
      const auto for_each = [&](auto function) {
        for (std::int64_t c = group * each; c < (group + 1) * each; ++c)
          for (std::int64_t s = 0; s < x.plane; ++s) function(static_cast<std::size_t>(c), x.at(n, c, s));
      };
      const double count = static_cast<double>(each * x.plane);
      double mean = 0, variance = 0;
      for_each([&](std::size_t, std::size_t at) { mean += in[at] / count; });
      for_each([&](std::size_t, std::size_t at) { variance += (in[at] - mean) * (in[at] - mean) / count; });
      const double factor = 1 / std::sqrt(variance + epsilon);
      for_each([&](std::size_t c, std::size_t at) { out[at] = (in[at] - mean) * factor * scale[c] + bias[c]; });
    }
  ops::store(context.outputs[0], out);
}

double flops(const Problem& problem) { return 8 * static_cast<double>(problem.output().shape.count()); }

}  // namespace

extern const Op op_InstanceNormalization, op_GroupNormalization;
const Op op_InstanceNormalization{.name = "InstanceNormalization",
                                  .min_inputs = 3,
                                  .max_inputs = 3,
                                  .infer = infer<true>,
                                  .reference = reference<true>,
                                  .flops = flops};
const Op op_GroupNormalization{.name = "GroupNormalization",
                               .min_inputs = 3,
                               .max_inputs = 3,
                               .infer = infer<false>,
                               .reference = reference<false>,
                               .flops = flops};

}  // namespace halftone
