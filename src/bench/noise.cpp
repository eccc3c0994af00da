#include "bench/noise.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/clock.h"

namespace halftone {
namespace {

constexpr double kQuiet = 0.02;
constexpr double kSteady = 0.05;

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

std::vector<std::string> clock_noise(std::vector<double> readings) {
  if (readings.size() < 2) return {};
  std::sort(readings.begin(), readings.end());
  // A reading that another process broke into says nothing about the clock: leave the outermost twentieths out.
  const auto cut = readings.size() / 20;
  const double low = readings[cut], high = readings[readings.size() - 1 - cut];
  if (high <= low * (1 + kSteady)) return {};
  return {fmt::format("The machine was not quiet: its clock moved between {:.2f} and {:.2f} GHz.", low, high)};
}

bool is_disturbance(std::string_view note) { return note.find("not quiet") != std::string_view::npos; }

std::vector<std::string> join_disturbances(std::vector<std::string> notes) {
  struct Parts {
    std::string before, figures, after;
  };
  std::vector<std::string> joined;
  std::vector<Parts> parts;
  for (auto& note : notes) {
    const auto begin = note.find_first_of("0123456789"), end = note.find_last_of("0123456789");
    Parts part{note, "", ""};
    if (begin != std::string::npos)
      part = {note.substr(0, begin), note.substr(begin, end + 1 - begin), note.substr(end + 1)};
    const auto alike = std::find_if(parts.begin(), parts.end(), [&](const Parts& other) {
      return is_disturbance(note) && other.before == part.before && other.after == part.after;
    });
    if (alike == parts.end()) {
      parts.push_back(std::move(part));
      joined.push_back(std::move(note));
    } else {
      alike->figures += "; " + part.figures;
      joined[static_cast<std::size_t>(alike - parts.begin())] = alike->before + alike->figures + alike->after;
    }
  }
  return joined;
}

double clock_ghz() {
  constexpr int kProducts = 4000,
                kCycles = 3;  // an integer multiplication has taken 3 cycles on every x86-64 since 2006
  double fastest = 0;
  for (int attempt = 0; attempt < 10; ++attempt) {
    std::uint64_t value = 3;
    const double begin = now_seconds();
    for (int i = 0; i < kProducts; ++i) asm volatile("imulq %0, %0" : "+r"(value));
    const double seconds = now_seconds() - begin;
    fastest = std::max(fastest, kProducts * kCycles / seconds);
  }
  return fastest / 1e9;
}

NoiseWatch::NoiseWatch(std::function<double()> children)
    : children_(std::move(children)),
      begin_(machine_time()),
      own_begin_(own_seconds() + (children_ ? children_() : 0)) {
  sample();
}

void NoiseWatch::sample() { clocks_.push_back(clock_ghz()); }

std::vector<std::string> NoiseWatch::findings() const {
  auto sentences = clock_noise(clocks_);
  const auto end = machine_time();
  if (!begin_ || !end) return sentences;
  const double own = own_seconds() + (children_ ? children_() : 0) - own_begin_;
  for (auto& sentence : noise_between(*begin_, *end, own)) sentences.push_back(std::move(sentence));
  return sentences;
}

}  // namespace halftone
