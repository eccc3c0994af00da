#include "data/preprocess.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "data/pnm.h"
#include "tests/unit/data/samples.h"

namespace halftone {
namespace {

/// A picture anyone can make again; the checksums below are of Pillow's (12.0, BILINEAR) results for it.
Image formula_image(int width, int height) {
  Image image;
  image.reset(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        image.row(y)[x * 3 + c] = static_cast<std::uint8_t>(x * 7 + y * 13 + c * 29 + x * y % 11 * 9);
  return image;
}

std::uint32_t checksum(const void* bytes, std::size_t size) {
  return static_cast<std::uint32_t>(crc32_z(0, static_cast<const Bytef*>(bytes), size));
}

std::string message_of(const std::string& text) {
  try {
    parse_preprocess(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::invalid_argument);
    return error.what();
  }
  return "no error";
}

TEST(Resize, EqualsPillowToTheByte) {
  struct Golden {
    int width, height, to_width, to_height;
    std::uint32_t crc;
  };
  for (const auto& [width, height, to_width, to_height, crc] : {Golden{37, 29, 20, 16, 0x41d783ad},
                                                                {37, 29, 64, 64, 0x2a4af625},
                                                                {37, 29, 5, 40, 0xca935481},
                                                                {200, 100, 7, 3, 0x9d6433f0},
                                                                {3, 2, 9, 9, 0x30aa9e28},
                                                                {256, 256, 255, 224, 0x6b86e3a6}}) {
    const Image scaled = resize(formula_image(width, height), to_width, to_height, Resample::antialias);
    EXPECT_EQ(checksum(scaled.pixels.data(), scaled.pixels.size()), crc)
        << width << "x" << height << " to " << to_width << "x" << to_height;
  }
  EXPECT_EQ(resize(formula_image(37, 29), 20, 16, Resample::antialias).pixels[1], 44);
}

TEST(Resize, ToItsOwnSizeChangesNothing) {
  const Image image = formula_image(31, 17);
  for (const Resample resample : {Resample::antialias, Resample::plain})
    EXPECT_EQ(resize(image, 31, 17, resample).pixels, image.pixels);
}

TEST(Resize, PlainTakesTwoTapsPerAxis) {
  const Image image = formula_image(16, 16);
  const Image half = resize(image, 4, 4, Resample::plain);
  // Each output lies between the middle two of its four inputs.
  for (int c = 0; c < 3; ++c) {
    const auto at = [&](int x, int y) { return int{image.row(y)[x * 3 + c]}; };
    const double expected = (at(5, 9) + at(6, 9) + at(5, 10) + at(6, 10)) / 4.0;
    EXPECT_NEAR(half.row(2)[3 + c], expected, 1.0);
  }
  EXPECT_LE(make_axis(1000, 10, 0, 10, Resample::plain).taps, 3);
}

TEST(Resize, APartEqualsThePartOfTheWhole) {
  const Image image = formula_image(90, 70);
  for (const Resample resample : {Resample::antialias, Resample::plain}) {
    const Image whole = resize(image, 40, 45, resample);
    const ResizeAxis across = make_axis(90, 40, 11, 20, resample), down = make_axis(70, 45, 5, 30, resample);
    Image source, scratch, result;
    source.reset(across.source_end - across.source_begin, down.source_end - down.source_begin);
    for (int y = 0; y < source.height; ++y)
      std::copy_n(image.row(down.source_begin + y) + across.source_begin * 3, source.width * 3, source.row(y));
    resize(source, across, down, scratch, result);
    for (int y = 0; y < 30; ++y)
      for (int i = 0; i < 60; ++i) ASSERT_EQ(result.row(y)[i], whole.row(y + 5)[33 + i]);
  }
}

// Expected values: Pillow and NumPy in float32 on the same picture, 60x48, shorter side to 32, centre 24x24.
TEST(Preprocess, PresetsGiveNumpysNumbers) {
  struct Golden {
    const char* text;
    float first, middle, last, tolerance;
    double sum;
  };
  for (const auto& [text, first, middle, last, tolerance, sum] :
       {Golden{"torchvision,resize=32,crop=24", 1.4097953f, 0.2577032f, 1.5768193f, 2e-6f, 418.48271941998973},
        {"caffe,resize=32,crop=24", -5, 14, 13, 0, 23713},
        {"tf,resize=32,crop=24", 0.6156863f, 0.02745098f, 0.52156866f, 1e-6f, 12.054902576375753}}) {
    const Tensor tensor = preprocess_image(formula_image(60, 48), parse_preprocess(text));
    EXPECT_EQ(tensor.type().text(), "f32:1x3x24x24");
    const auto values = tensor.data<float>();
    EXPECT_NEAR(values[0], first, tolerance) << text;
    EXPECT_NEAR(values[576 + 5 * 24 + 7], middle, tolerance) << text;
    EXPECT_NEAR(values.back(), last, tolerance) << text;
    EXPECT_NEAR(std::accumulate(values.begin(), values.end(), 0.0), sum, 1e-3) << text;
  }
}

TEST(Preprocess, LayoutsAndTypesHoldTheSameValues) {
  const Image image = formula_image(33, 31);  // 25 * 27 = 675 pixels: a remainder for every vector width
  const std::string base = "raw,crop=25x27,channels=bgr";
  const Tensor bytes = preprocess_image(image, parse_preprocess(base + ",dtype=u8,layout=nhwc"));
  EXPECT_EQ(bytes.type().text(), "u8:1x27x25x3");
  const Tensor planes = preprocess_image(image, parse_preprocess(base + ",dtype=u8"));
  EXPECT_EQ(planes.type().text(), "u8:1x3x27x25");
  const Tensor floats = preprocess_image(image, parse_preprocess(base + ",scale=2,mean=1:2:3,std=4:5:6"));
  const Tensor pixels = preprocess_image(image, parse_preprocess(base + ",scale=2,mean=1:2:3,std=4:5:6,layout=nhwc"));
  for (int y = 0; y < 27; ++y)
    for (int x = 0; x < 25; ++x)
      for (int c = 0; c < 3; ++c) {
        const int expected = image.row(y + 2)[(x + 4) * 3 + 2 - c];
        const std::size_t hwc = (y * 25 + x) * 3 + c, chw = (c * 27 + y) * 25 + x;
        ASSERT_EQ(bytes.data<std::uint8_t>()[hwc], expected);
        ASSERT_EQ(planes.data<std::uint8_t>()[chw], expected);
        ASSERT_NEAR(floats.data<float>()[chw], (expected * 2.0 - (c + 1)) / (c + 4), 1e-4);
        ASSERT_EQ(floats.data<float>()[chw], pixels.data<float>()[hwc]);
      }
}

TEST(Preprocess, GrayIsPillowsL) {
  const Tensor gray =
      preprocess_image(formula_image(12, 10), parse_preprocess("raw,crop=12x10,channels=gray,dtype=u8"));
  EXPECT_EQ(gray.type().text(), "u8:1x1x10x12");
  EXPECT_EQ(checksum(gray.raw(), gray.bytes()), 1356488573u);
}

TEST(Preprocess, APictureSmallerThanTheCropIsEnlarged) {
  const Preprocess preprocess = parse_preprocess("raw,crop=24,dtype=u8,layout=nhwc");
  const Tensor tensor = preprocess_image(formula_image(20, 10), preprocess);
  EXPECT_EQ(checksum(tensor.raw(), tensor.bytes()), 0xd8e5545f);  // Pillow: 48x24, then the middle 24 columns
  EXPECT_EQ(preprocess_image(formula_image(1, 1), preprocess).bytes(), 24u * 24 * 3);
  EXPECT_EQ(preprocess_image(formula_image(1, 300), preprocess).bytes(), 24u * 24 * 3);
}

TEST(Preprocess, EncodedAndDecodedPicturesGiveTheSame) {
  const std::string jpeg = test::to_jpeg(test::sample_image(150, 110));
  const Image image = decode_image(jpeg, "x");
  for (const char* text : {"raw,crop=96", "raw,crop=64,resize=80", "raw,crop=200", "torchvision,crop=224"}) {
    Preprocessor preprocessor(parse_preprocess(text));
    Tensor from_bytes(DType::f32, preprocessor.preprocess().shape(1)), from_image = from_bytes.clone();
    preprocessor.run(jpeg, "x", from_bytes.raw());
    preprocessor.run(image, from_image.raw());
    EXPECT_EQ(from_bytes.to_doubles(), from_image.to_doubles()) << text;
  }
}

TEST(Preprocess, AnAbsurdScalingIsRefusedByName) {
  Preprocessor preprocessor(parse_preprocess("raw,crop=1,resize=60000"));
  Image image;
  image.reset(3000, 1);
  const std::string bytes = to_ppm(image);
  std::uint8_t target[16];
  try {
    preprocessor.run(bytes, "wide.ppm", target);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::resource_exhausted);
    EXPECT_TRUE(std::string(error.what()).starts_with("wide.ppm: ")) << error.what();
  }
}

TEST(Preprocess, TextComesBack) {
  for (const char* text :
       {"torchvision", "caffe,crop=227", "tf,resize=288,crop=299x280", "fashion_mnist",
        "raw,channels=gray,std=0.1:0.2:0.3",
        "torchvision,resize=0,crop=input,scale=1/255,mean=1:2:3,layout=nhwc,dtype=u8,resample=plain,channels=bgr"}) {
    const Preprocess parsed = parse_preprocess(text);
    EXPECT_EQ(parse_preprocess(parsed.text()), parsed) << parsed.text();
  }
  EXPECT_EQ(parse_preprocess("torchvision").resize_shorter, 256);
  EXPECT_EQ(parse_preprocess("caffe,crop=227").crop_height, 227);
  EXPECT_EQ(parse_preprocess("raw,crop=7x9").crop_height, 9);
  EXPECT_FLOAT_EQ(parse_preprocess("raw,scale=1/255").scale, 1.0f / 255);
  EXPECT_EQ(preprocess_presets().size(), 5u);
}

TEST(Preprocess, BadTextSaysWhatIsWrong) {
  EXPECT_NE(message_of("imagenet").find("torchvision, caffe, tf"), std::string::npos);
  EXPECT_NE(message_of("caffe,size=3").find("'size'"), std::string::npos);
  EXPECT_NE(message_of("caffe,crop").find("KEY=VALUE"), std::string::npos);
  for (const char* text : {"",
                           "raw,",
                           "raw,crop=0",
                           "raw,crop=-3",
                           "raw,crop=3x4x5",
                           "raw,crop=99999999",
                           "raw,resize=x",
                           "raw,mean=1:2",
                           "raw,mean=1:2:3:4",
                           "raw,std=0",
                           "raw,std=1:0:1",
                           "raw,scale=1/0",
                           "raw,scale=nan",
                           "raw,scale=1/2/3",
                           "raw,scale=",
                           "raw,layout=chw",
                           "raw,dtype=f16",
                           "raw,channels=RGB",
                           "raw,resample=nearest",
                           "raw,crop=7 "})
    EXPECT_NE(message_of(text), "no error") << text;
}

TEST(Preprocess, FitsTheNetworksInput) {
  Preprocess preprocess = parse_preprocess("torchvision");
  preprocess.fit_to({-1, 3, 224, 192});
  EXPECT_EQ(preprocess.shape(5), (Shape{5, 3, 224, 192}));
  preprocess.fit_to({8, 3, -1, -1});
  EXPECT_THROW(preprocess.fit_to({1, 3, 225, 192}), Error);
  EXPECT_THROW(parse_preprocess("torchvision").fit_to({1, 3, -1, 224}), Error);
  EXPECT_THROW(parse_preprocess("torchvision").fit_to({1, 1, 28, 28}), Error);
  EXPECT_THROW(parse_preprocess("torchvision").fit_to({1, 1000}), Error);
  Preprocess last = parse_preprocess("raw,layout=nhwc");
  last.fit_to({1, 20, 30, 3});
  EXPECT_EQ(last.crop_width, 30);
  Preprocess found = parse_preprocess("tf");
  found.fit_to({-1, 20, 30, 3});
  EXPECT_EQ(found.shape(2), (Shape{2, 20, 30, 3}));
  EXPECT_THROW(Preprocessor(parse_preprocess("raw")), Error);
}

}  // namespace
}  // namespace halftone
