#include "quant/gram.h"

#include <algorithm>
#include <cmath>

namespace halftone {
namespace {

// A tile of 4 x 24 sums fills 12 of AVX2's 16 registers. Rows are laid out in panels of 24 columns first, 128 at a
// time, so that the two panels that a tile reads stay in the first-level cache.
using Vector = float __attribute__((vector_size(32)));
constexpr std::size_t kLanes = 8;
constexpr std::size_t kTileRows = 4;
constexpr std::size_t kTileVectors = 3;
constexpr std::size_t kPanel = kTileVectors * kLanes;
constexpr std::size_t kRows = 128;
constexpr std::size_t kBlock = 96;  // rows of R made at a time

struct alignas(32) Panel {
  float at[kRows][kPanel];
};

void add_tile(float* sums, std::size_t pitch, const Panel& left, std::size_t first, const Panel& right,
              std::size_t count, std::size_t rows, std::size_t columns, float factor) {
  Vector tile[kTileRows][kTileVectors] = {};
  for (std::size_t p = 0; p < count; ++p) {
    const auto* vectors = reinterpret_cast<const Vector*>(right.at[p]);
    for (std::size_t i = 0; i < kTileRows; ++i)
      for (std::size_t v = 0; v < kTileVectors; ++v) tile[i][v] += left.at[p][first + i] * vectors[v];
  }
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) sums[i * pitch + j] += factor * tile[i][j / kLanes][j % kLanes];
}

}  // namespace

void add_gram(float* sums, std::size_t pitch, const float* rows, std::size_t row_pitch, std::size_t count,
              std::size_t n, float factor) {
  const std::size_t panels = (n + kPanel - 1) / kPanel;
  std::vector<Panel> packed(panels);
  for (std::size_t from = 0; from < count; from += kRows) {
    const std::size_t some = std::min(kRows, count - from);
#pragma omp parallel if (n >= kWorthATeam)
    {
#pragma omp for
      for (std::size_t panel = 0; panel < panels; ++panel)
        for (std::size_t p = 0; p < some; ++p)
          for (std::size_t j = 0; j < kPanel; ++j) {
            const std::size_t column = panel * kPanel + j;
            packed[panel].at[p][j] = column < n ? rows[(from + p) * row_pitch + column] : 0.0f;
          }
#pragma omp for schedule(dynamic)
      for (std::size_t left = 0; left < panels; ++left)
        for (std::size_t right = left; right < panels; ++right) {
          const std::size_t column = right * kPanel;
          for (std::size_t first = 0; first < kPanel; first += kTileRows) {
            const std::size_t row = left * kPanel + first;
            if (row >= n) break;
            add_tile(sums + row * pitch + column, pitch, packed[left], first, packed[right], some,
                     std::min(kTileRows, n - row), std::min(kPanel, n - column), factor);
          }
        }
    }
  }
}

void mirror(std::vector<float>& matrix, std::size_t n) {
#pragma omp parallel for schedule(dynamic, 16) if (n >= kWorthATeam)
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) matrix[i * n + j] = matrix[j * n + i];
}

std::vector<float> cholesky(std::vector<float> matrix, std::size_t n) {
  for (std::size_t first = 0; first < n; first += kBlock) {
    const std::size_t after = std::min(first + kBlock, n);
    for (std::size_t i = first; i < after; ++i) {
      float* pivot = &matrix[i * n];
      if (!(pivot[i] > 0)) return {};
      const float inverse = 1 / std::sqrt(pivot[i]);
      for (std::size_t j = i; j < n; ++j) pivot[j] *= inverse;
#pragma omp parallel for if (n - i > 1024)
      for (std::size_t k = i + 1; k < after; ++k)
        for (std::size_t j = k; j < n; ++j) matrix[k * n + j] -= pivot[k] * pivot[j];
    }
    if (after < n) add_gram(&matrix[after * n + after], n, &matrix[first * n + after], n, after - first, n - after, -1);
  }
  mirror(matrix, n);
  return matrix;
}

}  // namespace halftone
