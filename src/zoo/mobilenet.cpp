#include "zoo/nets.h"

// Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", width 1.0.
namespace halftone::zoo {
namespace {

struct Stage {
  std::int64_t expansion, channels;
  int repeats;
  std::int64_t stride;
};

Feature inverted_residual(Builder& net, const std::string& name, Feature x, std::int64_t channels, std::int64_t stride,
                          std::int64_t expansion) {
  const std::int64_t hidden = x.channels * expansion;
  Feature y = x;
  if (expansion != 1) y = net.relu6(net.conv_bn(name + ".expand", y, hidden, {}));
  y = net.relu6(
      net.conv_bn(name + ".depthwise", y, hidden, {.kernel = 3, .stride = stride, .pad = 1, .group = hidden}));
  const bool residual = stride == 1 && x.channels == channels;
  y = net.conv_bn(name + ".project", y, channels, {}, 1e-5, residual ? 0.5 : 1);
  return residual ? net.add(x, y) : y;
}

}  // namespace

Feature mobilenet_v2(Builder& net, Feature x) {
  constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                               {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  x = net.relu6(net.conv_bn("features.0", x, 32, {.kernel = 3, .stride = 2, .pad = 1}));
  int block = 1;
  for (const auto& stage : kStages)
    for (int i = 0; i < stage.repeats; ++i)
      x = inverted_residual(net, fmt::format("features.{}", block++), x, stage.channels, i == 0 ? stage.stride : 1,
                            stage.expansion);
  x = net.relu6(net.conv_bn("features.18", x, 1280, {}));
  return net.linear("classifier.1", net.pool_to_vector(x), 1000);
}

}  // namespace halftone::zoo
