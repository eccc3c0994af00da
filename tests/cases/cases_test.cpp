#include <gtest/gtest.h>

#include <iostream>

#include "cpu/cpu_backend.h"
#ifdef HALFTONE_HAS_CUDA
#include "cuda/cuda_backend.h"
#endif
#include "tests/cases/case_runner.h"

namespace halftone {
namespace {

class Cases : public testing::TestWithParam<std::filesystem::path> {};

void check_file(const std::filesystem::path& path, const std::shared_ptr<Backend>& backend) {
  const auto file = path.filename().string();
  const auto cases = read_cases(path);
  ASSERT_FALSE(cases.empty()) << file << " holds no Problem line";
  std::map<std::string, int> tactics;
  for (const auto& [line, number] : cases) {
    CaseReport report;
    try {
      report = run_case(line, *backend);
    } catch (const Error& error) {
      ADD_FAILURE() << file << ":" << number << ": " << error.what();
      continue;
    }
    EXPECT_FALSE(report.tactics.empty()) << file << ":" << number << ": no kernel for " << line;
    for (const auto& failure : report.failures) ADD_FAILURE() << file << ":" << number << ": " << failure;
    for (const auto& [kernel, count] : report.tactics) tactics[kernel] += count;
  }
  std::cout << cases.size() << " problems;";
  for (const auto& [kernel, count] : tactics) std::cout << " " << kernel << " " << count;
  std::cout << std::endl;
}

TEST_P(Cases, EveryTacticMatchesTheReference) { check_file(GetParam(), make_cpu_backend()); }

#ifdef HALFTONE_HAS_CUDA
TEST_P(Cases, EveryTacticOfTheGpuMatchesTheReference) {
  if (cuda_devices().empty()) GTEST_SKIP() << "no CUDA device here";
  static const auto backend = make_cuda_backend();
  check_file(GetParam(), backend);
}
#endif

std::string stem(const testing::TestParamInfo<std::filesystem::path>& info) { return info.param.stem().string(); }

INSTANTIATE_TEST_SUITE_P(Files, Cases, testing::ValuesIn(case_files(HALFTONE_SOURCE_DIR "/tests/cases")), stem);

}  // namespace
}  // namespace halftone
