#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/verb.h"
#include "cpu/cpu_backend.h"
#ifdef HALFTONE_HAS_CUDA
#include "cuda/cuda_backend.h"
#endif

namespace halftone {
namespace {

std::string size_text(std::size_t bytes) {
  if (bytes >= std::size_t{1} << 30) return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / (1 << 30));
  if (bytes >= std::size_t{1} << 20) return fmt::format("{} MiB", bytes >> 20);
  return fmt::format("{} KiB", bytes >> 10);
}

std::vector<int> team_sizes(const DeviceInfo& info) {
  if (info.id != "cpu") return {1};
  return info.cores > 1 ? std::vector<int>{1, info.cores} : std::vector<int>{1};
}

void print(Backend& backend) {
  const DeviceInfo& info = backend.info();
  fmt::print("{}  {}\n", info.id, info.name);
  fmt::print("  {:<14}{}\n", "cores", info.cores);
  fmt::print("  {:<14}{}\n", "features", fmt::join(info.features, " "));
  for (const auto& [level, bytes] : info.cache_bytes) fmt::print("  {:<14}{}\n", level, size_text(bytes));
  fmt::print("  {:<14}{}\n", "memory", size_text(info.memory_bytes));
  for (const auto& [what, rate] : info.clock_hz)
    fmt::print("  {:<14}{:.0f} MHz\n", fmt::format("{} clock", what), rate / 1e6);
  fmt::print("  {:<14}{}\n\n", "key", info.key);
  const auto teams = team_sizes(info);
  fmt::print("  {:<14}", "measured");
  for (const int threads : teams) fmt::print("{:>26}", fmt::format("{} thread{}", threads, threads == 1 ? "" : "s"));
  fmt::print("\n");
  for (const auto& [precision, rate] : backend.peaks(1).flops) {
    fmt::print("  {:<14}", name(precision));
    for (const int threads : teams) {
      const double value = backend.peaks(threads).flops.at(precision);
      const char* unit = precision == Precision::int8 ? "GOP/s" : "GFLOP/s";
      fmt::print("{:>26}", value > 0 ? fmt::format("{:.0f} {}", value / 1e9, unit) : "no unit of its own");
    }
    fmt::print("\n");
  }
  for (const auto& level : backend.peaks(1).bandwidth) {
    fmt::print("  {:<14}", level.level);
    for (const int threads : teams)
      for (const auto& other : backend.peaks(threads).bandwidth)
        if (other.level == level.level)
          fmt::print("{:>26}", other.write > 0
                                   ? fmt::format("{:.0f} / {:.0f} GB/s r/w", other.read / 1e9, other.write / 1e9)
                                   : fmt::format("{:.0f} GB/s r+w", other.read / 1e9));
    fmt::print("\n");
  }
}

nlohmann::json describe(Backend& backend) {
  const DeviceInfo& info = backend.info();
  nlohmann::json peaks = nlohmann::json::array();
  for (const int threads : team_sizes(info)) {
    const Peaks& measured = backend.peaks(threads);
    nlohmann::json flops, bandwidth = nlohmann::json::array();
    for (const auto& [precision, rate] : measured.flops) flops[std::string(name(precision))] = rate;
    for (const auto& level : measured.bandwidth)
      bandwidth.push_back(
          {{"level", level.level}, {"bytes", level.bytes}, {"read", level.read}, {"write", level.write}});
    peaks.push_back({{"threads", threads}, {"operations_per_second", flops}, {"bytes_per_second", bandwidth}});
  }
  return {{"id", info.id},
          {"name", info.name},
          {"key", info.key},
          {"cores", info.cores},
          {"features", info.features},
          {"cache_bytes", info.cache_bytes},
          {"memory_bytes", info.memory_bytes},
          {"clock_hz", info.clock_hz},
          {"peaks", peaks}};
}

}  // namespace

void add_devices(CLI::App& app) {
  auto* verb = app.add_subcommand("devices", "Cores, caches, clocks, instruction sets, measured peaks and bandwidths");
  auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "Print JSON");
  verb->footer("Example: halftone devices --json");
  verb->callback([json] {
    std::vector<std::shared_ptr<Backend>> backends{make_cpu_backend()};
#ifdef HALFTONE_HAS_CUDA
    for (int i = 0; i < static_cast<int>(cuda_devices().size()); ++i) {
      try {
        backends.push_back(make_cuda_backend(i));
      } catch (const Error& error) {  // a GPU that cannot be used is no reason to hide the rest
        std::fprintf(stderr, "halftone: warning: %s\n", error.what());
      }
    }
#endif
    auto all = nlohmann::json::array();
    for (const auto& backend : backends) {
      if (*json) all.push_back(describe(*backend));
      else print(*backend);
    }
    if (*json) fmt::print("{}\n", all.dump(2));
  });
}

}  // namespace halftone
