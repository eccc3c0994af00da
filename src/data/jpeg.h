#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "data/image.h"

namespace halftone {

bool is_jpeg(std::string_view bytes);

/// libjpeg-turbo behind open() and decode(), as ImageDecoder describes them. The accurate integer DCT and smooth
/// chroma upsampling are used, so that pixels equal those of other decoders at their defaults. Data that the library
/// could only guess at (a scan that ends early, a bad Huffman code) is an error, never a grey area.
class JpegDecoder {
 public:
  JpegDecoder();
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;
  ImageSize open(std::string_view bytes, std::string_view name, std::int64_t largest_image);
  void decode(const Rect& area, Image& image);

  struct State;

 private:
  std::unique_ptr<State> x_;
};

}  // namespace halftone
