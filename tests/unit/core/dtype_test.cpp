#include "core/dtype.h"

#include <gtest/gtest.h>

#include <cmath>

namespace halftone {
namespace {

TEST(DType, HalfRoundTripsEveryFiniteValue) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    Half half;
    half.bits = static_cast<std::uint16_t>(bits);
    const float value = static_cast<float>(half);
    if (std::isnan(value)) continue;
    EXPECT_EQ(Half(value).bits, half.bits);
  }
}

TEST(DType, HalfRoundsToNearestEven) {
  EXPECT_EQ(static_cast<float>(Half(65519.0f)), 65504.0f);
  EXPECT_TRUE(std::isinf(static_cast<float>(Half(65520.0f))));
  EXPECT_EQ(static_cast<float>(Half(2049.0f)), 2048.0f);
  EXPECT_EQ(static_cast<float>(Half(2051.0f)), 2052.0f);
  EXPECT_EQ(Half(1e-8f).bits, 0);
}

TEST(DType, BFloat16RoundsToNearestEven) {
  EXPECT_EQ(static_cast<float>(BFloat16(257.0f)), 256.0f);
  EXPECT_EQ(static_cast<float>(BFloat16(259.0f)), 260.0f);
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(NAN))));
}

TEST(DType, Float8RoundTripsEveryValue) {
  for (int bits = 0; bits < 256; ++bits) {
    Float8 number;
    number.bits = static_cast<std::uint8_t>(bits);
    const float value = static_cast<float>(number);
    EXPECT_EQ(std::isnan(value), (bits & 0x7f) == 0x7f);
    if (std::isnan(value)) continue;
    EXPECT_EQ(Float8(value).bits, number.bits);
  }
}

TEST(DType, Float8RoundsToNearestEvenAndSaturates) {
  EXPECT_EQ(static_cast<float>(Float8(17.0f)), 16.0f);
  EXPECT_EQ(static_cast<float>(Float8(19.0f)), 20.0f);
  EXPECT_EQ(static_cast<float>(Float8(1e9f)), 448.0f);
  EXPECT_EQ(static_cast<float>(Float8(-INFINITY)), -448.0f);
  EXPECT_EQ(static_cast<float>(Float8(0x1p-10f)), 0.0f);
  EXPECT_EQ(static_cast<float>(Float8(0x1.8p-9f)), 0x1p-8f);
  EXPECT_EQ(static_cast<float>(Float8(0x1.fp-7f)), 0x1p-6f);
  EXPECT_TRUE(std::isnan(static_cast<float>(Float8(NAN))));
}

TEST(DType, NamesParseBack) {
  for (const auto dtype : {DType::f32, DType::f16, DType::bf16, DType::u8, DType::i64, DType::boolean, DType::f8e4m3})
    EXPECT_EQ(parse_dtype(name(dtype)), dtype);
  EXPECT_FALSE(parse_dtype("f33").has_value());
}

}  // namespace
}  // namespace halftone
