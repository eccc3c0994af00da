#include "quant/precision_chain.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace halftone {
namespace {

constexpr double kStepDecibels = 1.5;
constexpr int kSteps = 16;
constexpr double kInstant = 1e-9;  // seconds: no time at all

double seconds_of(const Layer& layer, Precision precision) {
  const auto found = layer.seconds.find(precision);
  return found == layer.seconds.end() ? 0 : found->second;
}

double noise_in(const Layer& layer, Precision precision) {
  return precision == Precision::fp32 ? 0 : layer.cost.at(precision).noise;
}

/// A layer taken from one precision to one with less noise.
struct Raise {
  std::size_t layer;
  Precision from, to;
  double quieter, slower;  // by how much
};

class Chain {
 public:
  Chain(const std::vector<Layer>& layers, const std::vector<Precision>& precisions, const PrecisionMap& fastest)
      : layers_(layers), fastest_(fastest) {
    for (std::size_t i = 0; i < layers.size(); ++i) add_raises(i, precisions);
    std::stable_sort(raises_.begin(), raises_.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  }

  std::vector<PrecisionMap> mixes() const {
    std::vector<PrecisionMap> all{fastest_};
    const double noise = noise_of(layers_, fastest_);
    for (int step = 1; step <= kSteps; ++step) add(all, under(noise * std::pow(10, -step * kStepDecibels / 10)));
    auto quietest = fastest_;
    for (const auto& [worth, raise] : raises_) quietest[layers_[raise.layer].name] = raise.to;
    add(all, quietest);
    return all;
  }

 private:
  /// The steps of one layer from its fastest precision up, each less noisy than the one before.
  void add_raises(std::size_t index, std::vector<Precision> ladder) {
    const auto& layer = layers_[index];
    std::stable_sort(ladder.begin(), ladder.end(),
                     [&](Precision a, Precision b) { return seconds_of(layer, a) < seconds_of(layer, b); });
    auto at = fastest_.at(layer.name);
    double worth = std::numeric_limits<double>::max();
    for (const auto next : ladder) {
      const double quieter = noise_in(layer, at) - noise_in(layer, next);
      if (quieter <= 0) continue;
      const double slower = std::max(seconds_of(layer, next) - seconds_of(layer, at), kInstant);
      worth = std::min(worth, quieter / slower);  // a layer's steps stay in order
      raises_.push_back({worth, {index, at, next, quieter, slower}});
      at = next;
    }
  }

  PrecisionMap under(double bound) const {
    auto mix = fastest_;
    double noise = noise_of(layers_, mix);
    std::vector<Raise> done;
    for (const auto& [worth, raise] : raises_) {
      if (noise <= bound) break;
      mix[layers_[raise.layer].name] = raise.to;
      noise -= raise.quieter;
      done.push_back(raise);
    }
    std::stable_sort(done.begin(), done.end(), [](const Raise& a, const Raise& b) {
      return a.slower / std::max(a.quieter, 1e-300) > b.slower / std::max(b.quieter, 1e-300);
    });
    for (const auto& raise : done) {
      auto& precision = mix[layers_[raise.layer].name];
      if (precision != raise.to || noise + raise.quieter > bound) continue;
      precision = raise.from;
      noise += raise.quieter;
    }
    return mix;
  }

  double seconds_of_mix(const PrecisionMap& mix) const {
    double total = 0;
    for (const auto& layer : layers_) total += seconds_of(layer, mix.at(layer.name));
    return total;
  }

  void add(std::vector<PrecisionMap>& all, const PrecisionMap& mix) const {
    if (mix == all.back()) return;
    const bool timed = seconds_of_mix(fastest_) > 0;
    while (timed && all.size() > 1 && seconds_of_mix(all.back()) >= seconds_of_mix(mix)) all.pop_back();
    all.push_back(mix);
  }

  const std::vector<Layer>& layers_;
  const PrecisionMap& fastest_;
  std::vector<std::pair<double, Raise>> raises_;  // by worth: noise taken off per second lost
};

}  // namespace

PrecisionMap fastest_precisions(const std::vector<Layer>& layers, const std::vector<Precision>& precisions) {
  PrecisionMap fastest;
  for (const auto& layer : layers) {
    auto& best = fastest[layer.name] = precisions.front();
    for (const auto precision : precisions)
      if (seconds_of(layer, precision) < seconds_of(layer, best)) best = precision;
  }
  return fastest;
}

double noise_of(const std::vector<Layer>& layers, const PrecisionMap& precisions) {
  double noise = 0;
  for (const auto& layer : layers) noise += noise_in(layer, precisions.at(layer.name));
  return noise;
}

std::vector<PrecisionMap> precision_chain(const std::vector<Layer>& layers, const std::vector<Precision>& precisions,
                                          const PrecisionMap& fastest) {
  return Chain(layers, precisions, fastest).mixes();
}

}  // namespace halftone
