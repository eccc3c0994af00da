#pragma once
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/preprocess.h"

namespace halftone::tests {

/// `count` gray pictures of `side` by `side` random pixels.
inline Dataset random_pictures(std::int64_t count, std::int64_t side, unsigned seed) {
  Tensor pixels(DType::u8, Shape{count, side, side});
  std::mt19937 random(seed);
  for (auto& pixel : pixels.data<std::uint8_t>()) pixel = static_cast<std::uint8_t>(random() & 255);
  std::vector<DatasetItem> items;
  for (std::int64_t i = 0; i < count; ++i) items.push_back({"picture " + std::to_string(i), i % 4, i});
  return Dataset("random pictures", items, {}, pixels);
}

inline Preprocess gray(std::int64_t side) {
  auto preprocess = parse_preprocess("raw,channels=gray,scale=1/255,mean=0.5");
  preprocess.fit_to({1, 1, side, side});
  return preprocess;
}

/// The pictures as the network gets them.
inline Tensor batch_of(const Dataset& pictures, const Preprocess& preprocess) {
  Tensor batch(DType::f32, preprocess.shape(static_cast<std::int64_t>(pictures.size())));
  Preprocessor preprocessor(preprocess);
  for (std::size_t i = 0; i < pictures.size(); ++i)
    pictures.load(i, preprocessor, static_cast<std::byte*>(batch.raw()) + i * preprocess.image_bytes());
  return batch;
}

/// What a graph of symbolic batch makes of it.
inline std::vector<float> outputs(Graph graph, const Tensor& batch) {
  set_batch(graph, batch.shape()[0]);
  const auto result = evaluate(graph, std::span<const Tensor>(&batch, 1));
  const auto data = std::as_const(result[0]).data<float>();
  return {data.begin(), data.end()};
}

/// Signal to noise, dB.
inline double snr(const std::vector<float>& got, const std::vector<float>& wanted) {
  double signal = 0, noise = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    signal += std::pow(static_cast<double>(wanted[i]), 2);
    noise += std::pow(static_cast<double>(got[i]) - static_cast<double>(wanted[i]), 2);
  }
  return 10 * std::log10(signal / noise);
}

}  // namespace halftone::tests
