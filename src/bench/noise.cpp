#include "bench/noise.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

namespace halftone {
namespace {

constexpr double kQuiet = 0.02;

std::optional<MachineTime> machine_time() {
  std::ifstream file("/proc/stat");
  std::string line;
  std::getline(file, line);
  return parse_machine_time(line);
}

double own_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

std::optional<MachineTime> parse_machine_time(std::string_view proc_stat) {
  std::istringstream words{std::string(proc_stat)};
  std::string head;
  // user, nice, system, idle, iowait, irq, softirq, steal (proc(5)), in clock ticks.
  std::array<double, 8> ticks{};
  words >> head;
  for (auto& value : ticks) words >> value;
  if (!words || head != "cpu") return {};
  const auto rate = static_cast<double>(sysconf(_SC_CLK_TCK));
  MachineTime time;
  for (const double value : ticks) time.total += value / rate;
  time.stolen = ticks[7] / rate;
  time.busy = time.total - time.stolen - (ticks[3] + ticks[4]) / rate;
  return time;
}

std::vector<std::string> noise_between(const MachineTime& begin, const MachineTime& end, double own) {
  const double total = end.total - begin.total;
  if (!(total > 0)) return {};
  std::vector<std::string> findings;
  const double others = std::max(0.0, end.busy - begin.busy - own) / total;
  const double stolen = (end.stolen - begin.stolen) / total;
  if (others > kQuiet)
    findings.push_back(
        fmt::format("The machine was not quiet: other processes took {:.0f} % of its time meanwhile.", 100 * others));
  if (stolen > kQuiet)
    findings.push_back(fmt::format(
        "The machine was not quiet: {:.0f} % of its time was taken by other virtual machines.", 100 * stolen));
  return findings;
}

NoiseWatch::NoiseWatch() : begin_(machine_time()), own_begin_(own_seconds()) {}

std::vector<std::string> NoiseWatch::findings() const {
  const auto end = machine_time();
  if (!begin_ || !end) return {};
  return noise_between(*begin_, *end, own_seconds() - own_begin_);
}

}  // namespace halftone
