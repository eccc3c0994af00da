#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace halftone::zoo {

/// A value on its way through a network under construction.
struct Feature {
  ValueId id = kNoValue;
  std::int64_t channels = 0;
  double power = 1;       ///< the expected square of an element; BatchNormalization's statistics are made from it
  bool positive = false;  ///< mostly: a ReLU's output, or a sum with one
};

struct Conv {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t pad = 0;
  std::int64_t group = 1;
};

/// Appends layers with seeded weights to a graph; every layer has its own random stream, named by its count.
class Builder {
 public:
  Builder(std::string name, std::uint64_t seed, std::int64_t batch);

  Feature input() const { return {graph_.inputs.front(), 3, 1}; }
  /// Convolution with a bias.
  Feature conv(const std::string& name, Feature x, std::int64_t channels, Conv conv);
  /// Convolution without a bias, BatchNormalization whose scales lie around `gain`.
  Feature conv_bn(const std::string& name, Feature x, std::int64_t channels, Conv conv, double epsilon = 1e-5,
                  double gain = 1);
  Feature relu(Feature x);
  Feature relu6(Feature x);
  Feature max_pool(Feature x, std::int64_t kernel, std::int64_t stride, std::int64_t pad = 0, bool ceil = false);
  Feature add(Feature a, Feature b);
  Feature concat(const std::vector<Feature>& parts);
  /// GlobalAveragePool and Flatten: [N, channels].
  Feature pool_to_vector(Feature x);
  /// Flatten of a feature map of `pixels` positions a channel.
  Feature flatten(Feature x, std::int64_t pixels);
  Feature linear(const std::string& name, Feature x, std::int64_t channels);
  /// Names the output, infers types, and gives the graph away.
  Graph finish(Feature logits);

 private:
  Feature convolution(const std::string& name, Feature x, std::int64_t channels, const Conv& conv, bool bias);
  /// Uniform in centre ± spread.
  ValueId random(const std::string& name, Shape shape, double centre, double spread);
  Feature unary(const std::string& op, Feature x, Attributes attributes, double power);

  Graph graph_;
  std::uint64_t seed_;
  std::uint64_t stream_ = 0;
  std::size_t count_ = 0;
};

}  // namespace halftone::zoo
