#include "zoo/zoo.h"

#include <algorithm>

#include "zoo/nets.h"

namespace halftone {
namespace {

struct Net {
  ZooEntry entry;
  zoo::Feature (*build)(zoo::Builder&, zoo::Feature);
};

// Sizes as torchvision's model pages state them ("num_params", "GFLOPS", which counts multiply-adds).
constexpr Net kNets[] = {
    {{"squeezenet1.1", "SqueezeNet 1.1 of its authors' repository", 1'235'496, 0.35}, zoo::squeezenet1_1},
    {{"mobilenet_v2", "MobileNet v2, width 1.0", 3'504'872, 0.30}, zoo::mobilenet_v2},
    {{"googlenet", "GoogLeNet with BatchNormalization, no auxiliary heads", 6'624'904, 1.50}, zoo::googlenet},
    {{"resnet18", "ResNet-18", 11'689'512, 1.81}, zoo::resnet18},
    {{"resnet34", "ResNet-34", 21'797'672, 3.66}, zoo::resnet34},
    {{"resnet50", "ResNet-50 v1.5: the stride in the 3x3", 25'557'032, 4.09}, zoo::resnet50},
    {{"resnet101", "ResNet-101 v1.5: the stride in the 3x3", 44'549'160, 7.80}, zoo::resnet101},
    {{"alexnet", "AlexNet, the one-tower form of 2014", 61'100'840, 0.71}, zoo::alexnet},
    {{"vgg16", "VGG-16, configuration D", 138'357'544, 15.47}, zoo::vgg16},
    {{"vgg19", "VGG-19, configuration E", 143'667'240, 19.63}, zoo::vgg19},
};

}  // namespace

const std::vector<ZooEntry>& zoo_entries() {
  static const std::vector<ZooEntry> entries = [] {
    std::vector<ZooEntry> list;
    for (const auto& net : kNets) list.push_back(net.entry);
    return list;
  }();
  return entries;
}

std::vector<std::string_view> zoo_names() {
  std::vector<std::string_view> names;
  for (const auto& net : kNets) names.push_back(net.entry.name);
  return names;
}

Graph make_zoo(std::string_view name, std::uint64_t seed, std::int64_t batch) {
  const auto* net =
      std::find_if(std::begin(kNets), std::end(kNets), [&](const Net& row) { return row.entry.name == name; });
  if (net == std::end(kNets))
    fail(Code::not_found, "no network '{}' in the zoo: {}", name, fmt::join(zoo_names(), ", "));
  if (batch < 1) fail(Code::invalid_argument, "batch {}: at least 1", batch);
  zoo::Builder builder{std::string(name), seed, batch};
  return builder.finish(net->build(builder, builder.input()));
}

}  // namespace halftone
