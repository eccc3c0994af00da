#include "cuda/conv_border.h"

#include <gtest/gtest.h>

#include <set>

namespace halftone::cuda {
namespace {

TEST(Border, CountsTheTapsOutside) {
  for (const int taps : {1, 2, 3, 5})
    for (const int dilation : {1, 2, 3})
      for (const int extent : {1, 4, 7})
        for (int first = -8; first <= 8; ++first) {
          int before = 0, behind = 0;
          for (int tap = 0; tap < taps; ++tap) {
            before += first + tap * dilation < 0 ? 1 : 0;
            behind += first + tap * dilation >= extent ? 1 : 0;
          }
          EXPECT_EQ(taps_before(first, taps, dilation), before) << first << " " << taps << " " << dilation;
          EXPECT_EQ(taps_behind(first, taps, dilation, extent), behind) << first << " " << taps << " " << dilation;
        }
}

TEST(Border, TellsEveryKindApartAndLeavesTheMiddleAtZero) {
  ConvParams p;
  p.height = p.width = p.out_height = p.out_width = 6;
  p.kernel_height = p.kernel_width = 3;
  p.pad_top = p.pad_left = 1;
  p.border_below = p.border_before = p.border_behind = 2;
  std::set<int> kinds;
  for (int y = 0; y < 6; ++y)
    for (int x = 0; x < 6; ++x) {
      const int kind = border_row(p, y, x);
      EXPECT_EQ(border_row_of_3x3(p, y, x), kind);
      EXPECT_EQ(kind == 0, y > 0 && y < 5 && x > 0 && x < 5);
      kinds.insert(kind);
    }
  EXPECT_EQ(kinds.size(), 9u);
}

}  // namespace
}  // namespace halftone::cuda
