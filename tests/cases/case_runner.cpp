#include "tests/cases/case_runner.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "backend/check_tactic.h"
#include "base/file.h"
#include "graph/op.h"

namespace halftone {
namespace {

/// FNV-1a, so that a line keeps its inputs.
std::uint64_t seed_of(const std::string& line) {
  if (const char* seed = std::getenv("HALFTONE_SEED")) return std::strtoull(seed, nullptr, 10);
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const unsigned char c : line) hash = (hash ^ c) * 0x100000001b3u;
  return hash >> 32;
}

}  // namespace

std::vector<std::filesystem::path> case_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<Case> read_cases(const std::filesystem::path& file) {
  std::istringstream text(read_file(file));
  std::vector<Case> cases;
  std::string line;
  for (int number = 1; std::getline(text, line); ++number) {
    line.resize(std::min(line.find('#'), line.size()));
    while (!line.empty() && line.back() == ' ') line.pop_back();
    if (!line.empty()) cases.push_back({line, number});
  }
  return cases;
}

CaseReport run_case(const std::string& line, Backend& backend) {
  CaseReport report;
  const auto problem = Problem::parse(line);
  const auto seed = seed_of(line);
  const auto inputs = random_inputs(problem, seed);
  const auto expected = evaluate(problem, inputs);
  for (const auto& kernel : backend.kernels()) {
    if (!kernel.supports(problem, backend)) continue;
    for (const auto& config : kernel.configs(problem, backend)) {
      ++report.tactics[std::string(kernel.name)];
      for (int threads = 1; threads <= (kernel.competes && backend.host_memory() ? 2 : 1); ++threads) {
        std::string trouble;
        try {
          const auto result = check_tactic(problem, kernel, config, inputs, expected, backend, threads);
          if (!result.ok) trouble = result.message;
        } catch (const Error& error) {
          // A library may offer an engine and then not build it; the tuner passes it over.
          if (error.code() != Code::unsupported || backend.host_memory()) trouble = error.what();
        }
        if (!trouble.empty())
          report.failures.push_back(
              fmt::format("{} '{}', {} threads, seed {}: {}\n    halftone op '{}' --device {} --check", kernel.name,
                          config, threads, seed, trouble, line, backend.info().id));
      }
    }
  }
  return report;
}

}  // namespace halftone
