#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace halftone {

/// A well-known network in its published layout, and what its publishers say of its size.
struct ZooEntry {
  std::string_view name;
  std::string_view layout;    ///< which published description it follows
  std::int64_t parameters;    ///< weights, biases, and BatchNormalization's scales and shifts
  double giga_multiply_adds;  ///< for one 224 x 224 image, to two decimals
};

/// Every network make_zoo() knows, smallest family first.
const std::vector<ZooEntry>& zoo_entries();

/// Their names alone.
std::vector<std::string_view> zoo_names();

/// Builds a network with seeded weights (He et al. 2015), and BatchNormalization statistics that match the activations
/// they would see, so that values neither vanish nor explode and speed and precision can be studied without a
/// download; it classifies nothing. Input `input` f32 [N,3,224,224], output `logits` [N,1000]; N is symbolic, now
/// `batch`. One seed gives the same bits everywhere. Throws not_found, listing the names.
Graph make_zoo(std::string_view name, std::uint64_t seed = 1, std::int64_t batch = 1);

}  // namespace halftone
