#include "bench/format.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace halftone {

std::string format_number(double value) {
  if (value == 0 || !std::isfinite(value)) return fmt::format("{:.0f}", value);
  const auto magnitude_of = [](double x) { return static_cast<int>(std::floor(std::log10(std::abs(x)) + 1e-12)); };
  const double unit = std::pow(10.0, magnitude_of(value) - 2);
  const double rounded = std::round(value / unit) * unit;
  const int magnitude = magnitude_of(rounded);
  if (magnitude < 2) return fmt::format("{:.{}f}", rounded, 2 - magnitude);
  auto text = fmt::format("{:.0f}", rounded);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > (value < 0 ? 1 : 0); at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

std::string format_percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits{"bytes", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return format_number(value) + " " + kUnits[unit];
}

std::string describe(const Result& result) {
  auto text = fmt::format("{} at batch {}", result.precision, result.batch);
  if (result.sessions > 1)
    text +=
        fmt::format(", {} sessions of {} thread{}", result.sessions, result.threads, result.threads == 1 ? "" : "s");
  if (result.engine != "halftone") text += fmt::format(" in {}", result.engine);
  return text;
}

std::string describe(const Absent& absent) {
  return absent.engine + (absent.what.empty() ? "" : ", " + absent.what) + ": " + absent.why;
}

}  // namespace halftone
