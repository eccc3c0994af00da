#include <array>

#include "zoo/nets.h"

// He et al. 2015, "Deep Residual Learning for Image Recognition"; the bottleneck's stride is in its 3x3 convolution, as
// in what is known as version 1.5.
namespace halftone::zoo {
namespace {

constexpr double kLastGain = 0.4;  // of a block's last scale: keeps the sum of many blocks from growing

Feature shortcut(Builder& net, const std::string& name, Feature x, std::int64_t channels, std::int64_t stride) {
  if (stride == 1 && x.channels == channels) return x;
  return net.conv_bn(name + ".downsample", x, channels, {.stride = stride});
}

Feature basic(Builder& net, const std::string& name, Feature x, std::int64_t width, std::int64_t stride) {
  Feature y = net.relu(net.conv_bn(name + ".conv1", x, width, {.kernel = 3, .stride = stride, .pad = 1}));
  y = net.conv_bn(name + ".conv2", y, width, {.kernel = 3, .pad = 1}, 1e-5, kLastGain);
  return net.relu(net.add(y, shortcut(net, name, x, width, stride)));
}

Feature bottleneck(Builder& net, const std::string& name, Feature x, std::int64_t width, std::int64_t stride) {
  Feature y = net.relu(net.conv_bn(name + ".conv1", x, width, {}));
  y = net.relu(net.conv_bn(name + ".conv2", y, width, {.kernel = 3, .stride = stride, .pad = 1}));
  y = net.conv_bn(name + ".conv3", y, 4 * width, {}, 1e-5, kLastGain);
  return net.relu(net.add(y, shortcut(net, name, x, 4 * width, stride)));
}

Feature resnet(Builder& net, Feature x, decltype(basic)* block, const std::array<int, 4>& depths) {
  x = net.relu(net.conv_bn("conv1", x, 64, {.kernel = 7, .stride = 2, .pad = 3}));
  x = net.max_pool(x, 3, 2, 1);
  for (std::size_t stage = 0; stage < depths.size(); ++stage)
    for (int i = 0; i < depths[stage]; ++i)
      x = block(net, fmt::format("layer{}.{}", stage + 1, i), x, std::int64_t{64} << stage,
                i == 0 && stage > 0 ? 2 : 1);
  return net.linear("fc", net.pool_to_vector(x), 1000);
}

}  // namespace

Feature resnet18(Builder& net, Feature x) { return resnet(net, x, basic, {2, 2, 2, 2}); }
Feature resnet34(Builder& net, Feature x) { return resnet(net, x, basic, {3, 4, 6, 3}); }
Feature resnet50(Builder& net, Feature x) { return resnet(net, x, bottleneck, {3, 4, 6, 3}); }
Feature resnet101(Builder& net, Feature x) { return resnet(net, x, bottleneck, {3, 4, 23, 3}); }

}  // namespace halftone::zoo
