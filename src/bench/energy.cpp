#include "bench/energy.h"

#include <algorithm>
#include <fstream>

namespace halftone {
namespace {

std::optional<std::uint64_t> read_number(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  if (file >> number) return number;
  return {};
}

/// "intel-rapl:0", but not its parts "intel-rapl:0:1", which it counts already.
bool is_package(const std::string& name) {
  return name.starts_with("intel-rapl:") && std::count(name.begin(), name.end(), ':') == 1;
}

}  // namespace

EnergyMeter::EnergyMeter(const std::filesystem::path& powercap) : reason_("no processor here shows its energy") {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(powercap, error)) {
    if (!is_package(entry.path().filename().string())) continue;
    const auto now = read_number(entry.path() / "energy_uj");
    if (!now) {
      counters_.clear();
      reason_ = "the processor's energy counters may be read by root alone";
      return;
    }
    counters_.push_back(
        {entry.path() / "energy_uj", read_number(entry.path() / "max_energy_range_uj").value_or(0), *now});
  }
  if (!counters_.empty()) reason_.clear();
}

std::optional<double> EnergyMeter::joules() {
  if (counters_.empty()) return {};
  for (auto& counter : counters_) {
    const auto now = read_number(counter.file);
    if (!now) {
      counters_.clear();
      reason_ = "an energy counter could no longer be read";
      return {};
    }
    joules_ +=
        1e-6 * static_cast<double>(*now >= counter.last ? *now - counter.last : *now + counter.range - counter.last);
    counter.last = *now;
  }
  return joules_;
}

}  // namespace halftone
