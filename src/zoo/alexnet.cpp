#include "zoo/nets.h"

// The one-tower form of Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks".
namespace halftone::zoo {

Feature alexnet(Builder& net, Feature x) {
  x = net.relu(net.conv("features.0", x, 64, {.kernel = 11, .stride = 4, .pad = 2}));
  x = net.max_pool(x, 3, 2);
  x = net.relu(net.conv("features.3", x, 192, {.kernel = 5, .pad = 2}));
  x = net.max_pool(x, 3, 2);
  x = net.relu(net.conv("features.6", x, 384, {.kernel = 3, .pad = 1}));
  x = net.relu(net.conv("features.8", x, 256, {.kernel = 3, .pad = 1}));
  x = net.relu(net.conv("features.10", x, 256, {.kernel = 3, .pad = 1}));
  x = net.max_pool(x, 3, 2);
  x = net.flatten(x, 36);
  x = net.relu(net.linear("classifier.1", x, 4096));
  x = net.relu(net.linear("classifier.4", x, 4096));
  return net.linear("classifier.6", x, 1000);
}

}  // namespace halftone::zoo
