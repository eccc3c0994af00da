#include "tests/unit/graph/evaluate_line.h"

namespace halftone {
namespace {

Tensor resize(const std::string& attributes, const std::vector<double>& x) {
  return evaluate_line(fmt::format("Resize f32:{} axes=0, {}", x.size(), attributes),
                       {f32({static_cast<std::int64_t>(x.size())}, x)})[0];
}

TEST(Resize, Linear) {
  expect_values(resize("mode=linear scales=2.0", {1, 2}), {1, 1.25, 1.75, 2}, 1e-6);
  expect_values(resize("coordinate_transformation_mode=asymmetric mode=linear scales=2.0", {1, 2}), {1, 1.5, 2, 2},
                1e-6);
  expect_values(resize("coordinate_transformation_mode=align_corners mode=linear sizes=5", {1, 3}), {1, 1.5, 2, 2.5, 3},
                1e-6);
  expect_values(resize("coordinate_transformation_mode=pytorch_half_pixel mode=linear sizes=1", {1, 2, 3}), {1}, 1e-6);
  expect_values(resize("mode=linear sizes=1", {1, 2, 3}), {2}, 1e-6);
}

TEST(Resize, NearestRoundsAsToldAtTies) {
  const std::string asymmetric = "coordinate_transformation_mode=asymmetric sizes=4 nearest_mode=";
  expect_values(resize(asymmetric + "round_prefer_floor", {1, 2}), {1, 1, 2, 2});
  expect_values(resize(asymmetric + "round_prefer_ceil", {1, 2}), {1, 2, 2, 2});
  expect_values(resize(asymmetric + "floor", {1, 2}), {1, 1, 2, 2});
  expect_values(resize(asymmetric + "ceil", {1, 2}), {1, 2, 2, 2});
}

TEST(Resize, CubicReproducesCubicConvolution) {
  // At ratio 1/4 from the second of four: Keys' weights for a = -0.75 are -0.10546875, 0.87890625, 0.26171875,
  // -0.03515625.
  const auto y = resize("coordinate_transformation_mode=asymmetric mode=cubic scales=4.0", {1, 10, 100, 1000});
  EXPECT_NEAR(y.to_doubles()[5], -0.10546875 + 8.7890625 + 26.171875 - 35.15625, 1e-4);
  EXPECT_NEAR(y.to_doubles()[4], 10, 1e-5);
}

TEST(Resize, AntialiasWidensTheKernelWhenShrinking) {
  // Scale 1/2: a tent over four inputs with weights 1, 3, 3, 1 of 8; repeated beyond the ends.
  expect_values(resize("antialias=1 mode=linear scales=0.5", {8, 16, 24, 32}),
                {(8. + 24 + 48 + 24) / 8, (16. + 72 + 96 + 32) / 8}, 1e-5);
}

TEST(Resize, CropExtrapolates) {
  expect_values(
      resize(
          "coordinate_transformation_mode=tf_crop_and_resize extrapolation_value=9.0 mode=linear roi=0.5,1.5 sizes=3",
          {1, 2, 3}),
      {2, 3, 9}, 1e-6);
}

TEST(Resize, AspectRatioPolicies) {
  const auto shape = [](const std::string& policy) {
    return Problem::parse("Resize f32:1x1x4x6 axes=2,3 sizes=8,9 keep_aspect_ratio_policy=" + policy).output().shape;
  };
  EXPECT_EQ(shape("stretch"), (Shape{1, 1, 8, 9}));
  EXPECT_EQ(shape("not_larger"), (Shape{1, 1, 6, 9}));
  EXPECT_EQ(shape("not_smaller"), (Shape{1, 1, 8, 12}));
}

}  // namespace
}  // namespace halftone
