#include <array>

#include "zoo/nets.h"

// Simonyan and Zisserman 2014, "Very Deep Convolutional Networks", configurations D and E.
namespace halftone::zoo {
namespace {

Feature vgg(Builder& net, Feature x, const std::array<int, 5>& depths) {
  int layer = 0;
  for (std::size_t stage = 0; stage < depths.size(); ++stage) {
    for (int i = 0; i < depths[stage]; ++i)
      x = net.relu(net.conv(fmt::format("conv{}", ++layer), x, std::min<std::int64_t>(64 << stage, 512),
                            {.kernel = 3, .pad = 1}));
    x = net.max_pool(x, 2, 2);
  }
  x = net.flatten(x, 49);
  x = net.relu(net.linear("fc1", x, 4096));
  x = net.relu(net.linear("fc2", x, 4096));
  return net.linear("fc3", x, 1000);
}

}  // namespace

Feature vgg16(Builder& net, Feature x) { return vgg(net, x, {2, 2, 3, 3, 3}); }
Feature vgg19(Builder& net, Feature x) { return vgg(net, x, {2, 2, 4, 4, 4}); }

}  // namespace halftone::zoo
