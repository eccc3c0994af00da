#pragma once
#include <cstddef>
#include <vector>

/// Products of large symmetric matrices, each kept whole, row by row, n times n. They use the calling thread's OpenMP
/// team.
namespace halftone {

/// Smaller matrices are one thread's work: a depthwise convolution has hundreds, of 9 rows.
inline constexpr std::size_t kWorthATeam = 100;

/// sums += factor * rows^T rows on and above the diagonal; what is below it afterwards is undefined. `sums` has n rows
/// that begin `pitch` apart, `rows` has `count` of n numbers that begin `row_pitch` apart.
void add_gram(float* sums, std::size_t pitch, const float* rows, std::size_t row_pitch, std::size_t count,
              std::size_t n, float factor = 1);

/// Copies what is above the diagonal below it.
void mirror(std::vector<float>& matrix, std::size_t n);

/// The R with R^T R = matrix (Cholesky), of which only the upper triangle is read: R^T in the lower triangle, R in the
/// upper one. Empty where the matrix is not positive definite.
std::vector<float> cholesky(std::vector<float> matrix, std::size_t n);

}  // namespace halftone
