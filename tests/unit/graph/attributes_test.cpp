#include "graph/attributes.h"

#include <gtest/gtest.h>

#include "tests/unit/graph/run.h"

namespace halftone {
namespace {

TEST(Attributes, TextReadsBack) {
  const Attribute values[] = {std::int64_t{-7},
                              0.25,
                              2.0,
                              std::string("relu"),
                              Ints{},
                              Ints{3},
                              Ints{1, 1, 1, 1},
                              Ints{1, -2, 3},
                              Doubles{0.5},
                              Doubles{1, 2.5},
                              Tensor::from<float>({2, 1}, {0.1f, -3}),
                              Tensor::from<std::int64_t>({}, {1ll << 60}),
                              Tensor::from<bool>({2}, {true, false}),
                              Tensor::from<double>({1}, {0.1}),
                              Tensor(DType::f32, Shape{0})};
  for (const auto& value : values) {
    Attributes once, again;
    once.set("a", value);
    again.set("a", parse_attribute(text(value)));
    EXPECT_TRUE(once == again) << text(value) << " became " << text(parse_attribute(text(value)));
    EXPECT_EQ(text(value).find(' '), std::string::npos);
  }
}

TEST(Attributes, TextOfEachKind) {
  EXPECT_EQ(text(Attribute{Ints{1, 1, 1}}), "1*3");
  EXPECT_EQ(text(Attribute{Ints{5}}), "5,");
  EXPECT_EQ(text(Attribute{2.0}), "2.0");
  EXPECT_EQ(text(Attribute{static_cast<double>(0.01f)}), "0.01");
  EXPECT_EQ(text(Attribute{Tensor::from<float>({2}, {0.5f, 1})}), "<f32:2;0.5,1>");
}

TEST(Attributes, ReadersTakeScalarsAndListsAlike) {
  Attributes attributes;
  attributes.set("strides", std::int64_t{2});
  attributes.set("axis", Ints{1});
  attributes.set("alpha", std::int64_t{3});
  EXPECT_EQ(attributes.get_ints("strides", 2, 1), (Ints{2, 2}));
  EXPECT_EQ(attributes.get_int("axis", 0), 1);
  EXPECT_EQ(attributes.get_float("alpha", 0), 3.0);
  EXPECT_EQ(attributes.get_ints("pads", 4, 0), (Ints{0, 0, 0, 0}));
  EXPECT_EQ(attributes.get_string("mode", "constant"), "constant");
  EXPECT_FALSE(attributes.get_tensor("value").defined());
}

TEST(Attributes, WrongKindsAreNamed) {
  Attributes attributes;
  attributes.set("axis", std::string("last"));
  attributes.set("pads", Ints{1, 2, 3});
  EXPECT_EQ(message_of([&] { (void)attributes.get_int("axis", 0); }), "attribute 'axis' is not an integer");
  EXPECT_EQ(message_of([&] { (void)attributes.get_ints("pads", 4, 0); }), "attribute 'pads' has 3 values, 4 expected");
  EXPECT_EQ(message_of([&] { (void)attributes.get_tensor("pads"); }), "attribute 'pads' is not a tensor");
}

TEST(Attributes, StayInOrderOfName) {
  Attributes attributes;
  for (const auto name : {"pads", "axis", "mode", "axis"}) attributes.set(name, std::int64_t{1});
  std::vector<std::string> names;
  for (const auto& [key, value] : attributes.entries()) names.push_back(key);
  EXPECT_EQ(names, (std::vector<std::string>{"axis", "mode", "pads"}));
  attributes.erase("mode");
  EXPECT_FALSE(attributes.has("mode"));
}

TEST(Attributes, DamagedTextIsRefused) {
  for (const auto text : {"1,x", "1,,2", "<f32:2;1>", "<f32:2", "<f32:2>", "<q8:1;1>", "<f32:1;a>", "<f32:-1;>"}) {
    Code code{};
    EXPECT_NE(message_of([&] { (void)parse_attribute(text); }, &code), "") << text;
    EXPECT_EQ(code, Code::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace halftone
