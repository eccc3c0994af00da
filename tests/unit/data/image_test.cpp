#include "data/image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "data/pnm.h"
#include "tests/unit/data/samples.h"

namespace halftone {
namespace {

using test::sample_image;

Image part(const Image& whole, const Rect& area) {
  Image image;
  image.reset(area.width, area.height);
  for (int y = 0; y < area.height; ++y) std::copy_n(whole.row(area.y + y) + area.x * 3, area.width * 3, image.row(y));
  return image;
}

int largest_difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.height, b.height);
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

/// The error's code and message, or the fact that there was none.
std::pair<Code, std::string> image_error(const std::string& bytes, std::int64_t largest = kLargestImage) {
  ImageDecoder decoder(largest);
  Image image;
  try {
    const ImageSize size = decoder.open(bytes, "some.file");
    decoder.decode({0, 0, size.width, size.height}, image);
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {Code::cancelled, "no error"};
}

TEST(Image, LosslessFormatsComeBackExactly) {
  const Image image = sample_image(37, 23);
  EXPECT_EQ(decode_image(test::to_png(image), "x").pixels, image.pixels);
  EXPECT_EQ(decode_image(test::to_png(image, 6), "x").pixels, image.pixels) << "alpha is dropped";
  EXPECT_EQ(decode_image(test::to_bmp(image), "x").pixels, image.pixels);
  EXPECT_EQ(decode_image(to_ppm(image), "x").pixels, image.pixels);
}

TEST(Image, GrayIsRepeatedInTheThreeChannels) {
  Image image = sample_image(19, 11);
  Image gray = image;
  for (std::size_t i = 0; i < gray.pixels.size(); i += 3) gray.pixels[i + 1] = gray.pixels[i + 2] = gray.pixels[i];
  EXPECT_EQ(decode_image(test::to_png(image, 0), "x").pixels, gray.pixels);
  EXPECT_EQ(decode_image(test::to_png(image, 4), "x").pixels, gray.pixels);
  const Image jpeg = decode_image(test::to_jpeg(image, {.quality = 100, .gray = true}), "x");
  EXPECT_LE(largest_difference(jpeg, gray), 3);
  for (std::size_t i = 0; i < jpeg.pixels.size(); i += 3) ASSERT_EQ(jpeg.pixels[i], jpeg.pixels[i + 2]);
  std::string pgm = "P5\n# a comment\n19 11\n255\n";
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) pgm += static_cast<char>(image.pixels[i]);
  EXPECT_EQ(decode_image(pgm, "x").pixels, gray.pixels);
}

TEST(Image, SixteenBitsKeepTheUpperEight) {
  const Image image = sample_image(9, 7);
  const Image decoded = decode_image(test::to_png(image, 2, 16), "x");
  // to_png writes value / 2 and value as the two bytes, in the machine's order: the upper byte is the value.
  EXPECT_EQ(decoded.pixels, image.pixels);
}

TEST(Image, TextPnmAndOtherMaxima) {
  EXPECT_EQ(decode_image("P3 2 1 15  0 5 15  15 10 0 ", "x").pixels,
            (std::vector<std::uint8_t>{0, 85, 255, 255, 170, 0}));
  EXPECT_EQ(decode_image("P2 1 1 255 7 ", "x").pixels, (std::vector<std::uint8_t>{7, 7, 7}));
  EXPECT_EQ(decode_image(std::string("P6 1 1 65535\n\xff\xff\x80\x00\x00\x00", 19), "x").pixels,
            (std::vector<std::uint8_t>{255, 128, 0}));
}

TEST(Image, JpegStaysNearItsSource) {
  const Image image = sample_image(96, 80);
  EXPECT_LE(largest_difference(
                decode_image(test::to_jpeg(image, {.quality = 100, .horizontal = 1, .vertical = 1}), "x"), image),
            6);
  EXPECT_LE(largest_difference(decode_image(test::to_jpeg(image, {.quality = 100, .cmyk = true}), "x"), image), 6);
}

TEST(Image, PartOfAJpegEqualsTheSamePartOfTheWhole) {
  const Image image = sample_image(131, 117);
  for (const bool progressive : {false, true})
    for (const auto& [h, v] : {std::pair{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}}) {
      const std::string bytes =
          test::to_jpeg(image, {.quality = 75, .horizontal = h, .vertical = v, .progressive = progressive});
      const Image whole = decode_image(bytes, "x");
      ImageDecoder decoder;
      for (const Rect& area : {Rect{0, 0, 131, 117},
                               {1, 2, 64, 64},
                               {16, 16, 99, 85},
                               {33, 47, 97, 69},
                               {64, 0, 8, 117},
                               {130, 116, 1, 1},
                               {0, 0, 1, 1},
                               {47, 95, 40, 20},
                               {0, 15, 131, 50},
                               {16, 3, 16, 33}}) {
        decoder.open(bytes, "x");
        Image image_part;
        decoder.decode(area, image_part);
        EXPECT_EQ(image_part.pixels, part(whole, area).pixels)
            << h << "x" << v << (progressive ? " progressive " : " ") << area.x << "," << area.y << " " << area.width
            << "x" << area.height;
      }
    }
}

TEST(Image, PartOfAPngEqualsTheSamePartOfTheWhole) {
  const Image image = sample_image(30, 20);
  const std::string bytes = test::to_png(image);
  ImageDecoder decoder;
  decoder.open(bytes, "x");
  Image result;
  decoder.decode({3, 4, 20, 10}, result);
  EXPECT_EQ(result.pixels, part(image, {3, 4, 20, 10}).pixels);
}

TEST(Image, EveryPrefixIsAnErrorThatNamesTheFile) {
  const Image image = sample_image(40, 33);
  for (const std::string& bytes :
       {test::to_jpeg(image), test::to_jpeg(image, {.progressive = true}), test::to_jpeg(image, {.cmyk = true}),
        test::to_png(image), test::to_bmp(image), to_ppm(image)})
    // A PNG's last four bytes are the checksum of an empty chunk, which nobody needs.
    for (std::size_t size = 0; size < bytes.size() - (bytes[1] == 'P' ? 4 : 0); ++size) {
      const auto [code, message] = image_error(bytes.substr(0, size));
      ASSERT_EQ(code, Code::invalid_model) << size << " of " << bytes.size() << ": " << message;
      ASSERT_TRUE(message.starts_with("some.file: ")) << message;
    }
}

TEST(Image, CutOffBelowThePartThatIsUsedIsStillAnError) {
  const std::string bytes = test::to_jpeg(sample_image(64, 200));
  ImageDecoder decoder;
  Image image;
  for (std::size_t cut = 2; cut < bytes.size() / 2; cut += 7) {
    const std::string shorter = bytes.substr(0, bytes.size() - cut);
    decoder.open(shorter, "x");
    EXPECT_THROW(decoder.decode({0, 0, 64, 20}, image), Error) << cut;
  }
}

TEST(Image, BitFlipsGiveAPictureOrAnError) {
  const Image image = sample_image(24, 24);
  for (const std::string& original :
       {test::to_jpeg(image), test::to_jpeg(image, {.progressive = true, .restart_rows = 1}), test::to_png(image),
        test::to_bmp(image), to_ppm(image)})
    for (std::size_t bit = 0; bit < original.size() * 8; bit += 3) {
      std::string bytes = original;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
      const auto [code, message] = image_error(bytes, 1 << 20);
      ASSERT_TRUE(code == Code::invalid_model || code == Code::resource_exhausted || code == Code::unsupported ||
                  message == "no error")
          << message;
    }
}

TEST(Image, ADecoderWorksAgainAfterAnError) {
  const Image image = sample_image(40, 40);
  const std::string good = test::to_jpeg(image);
  ImageDecoder decoder;
  Image first, again;
  decoder.open(good, "x");
  decoder.decode({0, 0, 40, 40}, first);
  const std::string bad = good.substr(0, good.size() - 100);
  EXPECT_THROW((decoder.open(bad, "x"), decoder.decode({0, 0, 40, 40}, again)), Error);
  EXPECT_THROW(decoder.open(bad.substr(0, 30), "x"), Error);
  decoder.open(good, "x");
  decoder.decode({0, 0, 40, 40}, again);
  EXPECT_EQ(first.pixels, again.pixels);
}

TEST(Image, BombsAreRefusedBeforeAnythingIsAllocated) {
  std::string jpeg = test::to_jpeg(sample_image(16, 16));
  const std::size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  for (int i = 5; i < 9; ++i) jpeg[frame + i] = '\xfe';
  EXPECT_EQ(image_error(jpeg).first, Code::resource_exhausted);
  EXPECT_EQ(image_error("P6 100000 100000 255\n").first, Code::resource_exhausted);
  EXPECT_EQ(image_error("P6 10000 10000 255\n").first, Code::invalid_model);
  std::string bmp = test::to_bmp(sample_image(4, 4));
  bmp[21] = bmp[25] = 0x01;  // both sides 2^24 + 4
  EXPECT_EQ(image_error(bmp).first, Code::resource_exhausted);
}

TEST(Image, WhatIsNoPictureIsSaidToBeNone) {
  EXPECT_EQ(image_error("").second, "some.file: the file is empty");
  EXPECT_NE(image_error("GIF89a......").second.find("not a picture"), std::string::npos);
  EXPECT_TRUE(has_image_extension("a/b.JPEG"));
  EXPECT_FALSE(has_image_extension("a/b.txt"));
  EXPECT_THROW(read_image("/nonexistent/x.png"), Error);
}

}  // namespace
}  // namespace halftone
