#include "zoo/nets.h"

// Szegedy et al. 2014, "Going Deeper with Convolutions", in torchvision's form: BatchNormalization after every
// convolution, a 3x3 in place of the 5x5, no auxiliary heads.
namespace halftone::zoo {
namespace {

constexpr double kEpsilon = 1e-3;

Feature layer(Builder& net, const std::string& name, Feature x, std::int64_t channels, Conv conv = {}) {
  return net.relu(net.conv_bn(name, x, channels, conv, kEpsilon));
}

struct Widths {
  std::int64_t one, reduce3, three, reduce5, five, pool;
};

Feature inception(Builder& net, const std::string& name, Feature x, Widths widths) {
  const Conv three{.kernel = 3, .pad = 1};
  const Feature a = layer(net, name + ".branch1", x, widths.one);
  const Feature b =
      layer(net, name + ".branch2.1", layer(net, name + ".branch2.0", x, widths.reduce3), widths.three, three);
  const Feature c =
      layer(net, name + ".branch3.1", layer(net, name + ".branch3.0", x, widths.reduce5), widths.five, three);
  const Feature d = layer(net, name + ".branch4", net.max_pool(x, 3, 1, 1, true), widths.pool);
  return net.concat({a, b, c, d});
}

}  // namespace

Feature googlenet(Builder& net, Feature x) {
  x = layer(net, "conv1", x, 64, {.kernel = 7, .stride = 2, .pad = 3});
  x = net.max_pool(x, 3, 2, 0, true);
  x = layer(net, "conv2", x, 64);
  x = layer(net, "conv3", x, 192, {.kernel = 3, .pad = 1});
  x = net.max_pool(x, 3, 2, 0, true);
  x = inception(net, "inception3a", x, {64, 96, 128, 16, 32, 32});
  x = inception(net, "inception3b", x, {128, 128, 192, 32, 96, 64});
  x = net.max_pool(x, 3, 2, 0, true);
  x = inception(net, "inception4a", x, {192, 96, 208, 16, 48, 64});
  x = inception(net, "inception4b", x, {160, 112, 224, 24, 64, 64});
  x = inception(net, "inception4c", x, {128, 128, 256, 24, 64, 64});
  x = inception(net, "inception4d", x, {112, 144, 288, 32, 64, 64});
  x = inception(net, "inception4e", x, {256, 160, 320, 32, 128, 128});
  x = net.max_pool(x, 2, 2, 0, true);
  x = inception(net, "inception5a", x, {256, 160, 320, 32, 128, 128});
  x = inception(net, "inception5b", x, {384, 192, 384, 48, 128, 128});
  return net.linear("fc", net.pool_to_vector(x), 1000);
}

}  // namespace halftone::zoo
