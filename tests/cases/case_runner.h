#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace halftone {

/// A Problem line of a case file.
struct Case {
  std::string line;
  int number = 0;  ///< of the line in its file
};

/// The case files of a folder (*.txt), sorted.
std::vector<std::filesystem::path> case_files(const std::filesystem::path& folder);

/// The Problem lines of a file: one a line, what follows '#' is passed over.
std::vector<Case> read_cases(const std::filesystem::path& file);

struct CaseReport {
  std::vector<std::string> failures;   ///< each with the command that reproduces it
  std::map<std::string, int> tactics;  ///< kernels that ran, and how many of their configs
};

/// Runs every tactic of the backend that supports a Problem line against the operator's reference, on inputs seeded by
/// the line (or by HALFTONE_SEED), with one thread and with two.
CaseReport run_case(const std::string& line, Backend& backend);

}  // namespace halftone
