#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/tensor.h"
#include "data/image.h"
#include "data/resize.h"

namespace halftone {

enum class ChannelOrder : std::uint8_t { rgb, bgr, gray };
enum class Layout : std::uint8_t { nchw, nhwc };

/// What happens between a picture and a network's input, in this order: the shorter side is scaled to
/// `resize_shorter` (0: not scaled), the centre is cropped, channels are ordered, and each value becomes
/// (pixel * scale - mean) / std. A picture smaller than the crop is first enlarged until the crop fits.
struct Preprocess {
  std::string preset = "raw";  ///< the preset it began with
  int resize_shorter = 0;
  int crop_width = 0, crop_height = 0;  ///< 0: the network's own input size; see fit_to()
  ChannelOrder channels = ChannelOrder::rgb;
  float scale = 1;
  std::array<float, 3> mean{0, 0, 0};  ///< in the order of `channels`; gray uses the first
  std::array<float, 3> std{1, 1, 1};
  Layout layout = Layout::nchw;
  DType dtype = DType::f32;  ///< or u8: the pixels as they are, scale, mean and std unused
  Resample resample = Resample::antialias;

  int channel_count() const { return channels == ChannelOrder::gray ? 1 : 3; }
  /// The shape of a batch. The crop must be known.
  Shape shape(std::int64_t batch) const;
  std::size_t image_bytes() const { return shape(1).count() * size_of(dtype); }
  /// Fills in a crop of 0 from a network input; extents the network leaves open are <= 0. An input that has the
  /// channels last and not second is NHWC, whatever `layout` was. Throws invalid_argument when the input is no batch of
  /// pictures, or when channels or a crop that is set do not match it.
  void fit_to(const std::vector<std::int64_t>& input);
  /// All fields as parse_preprocess() reads them.
  std::string text() const;
  bool operator==(const Preprocess&) const = default;
};

/// Reads `PRESET[,KEY=VALUE]…`:
///   presets  torchvision    RGB, /255, mean .485 .456 .406, std .229 .224 .225, shorter side to 256
///            caffe          BGR, minus 104 117 123, no scaling of values or size
///            tf             RGB, (x - 127.5) / 127.5, no scaling of size
///            fashion_mnist  gray, /255, mean .2860, std .3530, 28x28
///            raw            RGB, pixel values as they are
///   keys     resize=N  crop=N|WxH|input  channels=rgb|bgr|gray  scale=X  mean=X[:Y:Z]  std=X[:Y:Z]
///            layout=nchw|nhwc  dtype=f32|u8  resample=antialias|plain
/// A number may be a fraction (1/255). Throws invalid_argument, saying what is known.
Preprocess parse_preprocess(std::string_view text);

/// The names of the presets, for help texts.
std::vector<std::string_view> preprocess_presets();

/// Applies one Preprocess to picture after picture, keeping decoder and working memory; one thread at a time.
class Preprocessor {
 public:
  /// The crop must be known.
  explicit Preprocessor(Preprocess preprocess);
  const Preprocess& preprocess() const { return preprocess_; }
  /// Writes image_bytes() bytes to `target`. Throws what ImageDecoder does.
  void run(std::string_view bytes, std::string_view name, void* target);
  void run(const Image& image, void* target);

 private:
  template <typename Load>
  void run_on(ImageSize size, void* target, Load load);
  Preprocess preprocess_;
  ImageDecoder decoder_;
  Image source_, scratch_, cropped_;
};

/// One picture as a batch of one.
Tensor preprocess_image(const Image& image, const Preprocess& preprocess);

}  // namespace halftone
