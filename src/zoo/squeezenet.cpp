#include "zoo/nets.h"

// Iandola et al. 2016, "SqueezeNet", version 1.1 of its authors' repository.
namespace halftone::zoo {
namespace {

Feature fire(Builder& net, const std::string& name, Feature x, std::int64_t squeeze, std::int64_t expand) {
  x = net.relu(net.conv(name + ".squeeze", x, squeeze, {}));
  return net.concat({net.relu(net.conv(name + ".expand1x1", x, expand, {})),
                     net.relu(net.conv(name + ".expand3x3", x, expand, {.kernel = 3, .pad = 1}))});
}

}  // namespace

Feature squeezenet1_1(Builder& net, Feature x) {
  x = net.relu(net.conv("conv1", x, 64, {.kernel = 3, .stride = 2}));
  x = net.max_pool(x, 3, 2, 0, true);
  x = fire(net, "fire2", x, 16, 64);
  x = fire(net, "fire3", x, 16, 64);
  x = net.max_pool(x, 3, 2, 0, true);
  x = fire(net, "fire4", x, 32, 128);
  x = fire(net, "fire5", x, 32, 128);
  x = net.max_pool(x, 3, 2, 0, true);
  x = fire(net, "fire6", x, 48, 192);
  x = fire(net, "fire7", x, 48, 192);
  x = fire(net, "fire8", x, 64, 256);
  x = fire(net, "fire9", x, 64, 256);
  return net.pool_to_vector(net.relu(net.conv("conv10", x, 1000, {})));
}

}  // namespace halftone::zoo
