#include "cpu/cpu_info.h"

#include <cpuid.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>

namespace halftone::cpu {
namespace {

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf = 0) {
  Registers r;
  if (!__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx)) return {};
  return r;
}

bool bit(unsigned value, unsigned index) { return (value >> index & 1) != 0; }

/// The register state the operating system saves (XCR0).
std::uint64_t saved_state() {
  unsigned low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

bool ask_for_tiles() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

std::vector<std::string> features(Isa cap) {
  std::vector<std::string> found;
  const Registers one = cpuid(1);
  const Registers seven = cpuid(7);
  const Registers seven_one = seven.eax >= 1 ? cpuid(7, 1) : Registers{};
  const std::uint64_t saved = bit(one.ecx, 27) ? saved_state() : 0;
  const bool ymm = (saved & 0x6) == 0x6;
  const bool zmm = ymm && (saved & 0xe0) == 0xe0;
  const bool tiles = (saved & 0x60000) == 0x60000;
  const bool v3 = ymm && bit(one.ecx, 28) && bit(one.ecx, 12) && bit(one.ecx, 29) && bit(one.ecx, 22) &&
                  bit(seven.ebx, 5) && bit(seven.ebx, 3) && bit(seven.ebx, 8);
  if (!v3) return found;
  found = {"avx2", "fma", "f16c"};
  if (bit(seven_one.eax, 4)) found.emplace_back("avx_vnni");
  const bool v4 = zmm && bit(seven.ebx, 16) && bit(seven.ebx, 17) && bit(seven.ebx, 28) && bit(seven.ebx, 30) &&
                  bit(seven.ebx, 31) && bit(seven.ecx, 11);
  if (cap < Isa::avx512 || !v4) return found;
  found.insert(found.end(), {"avx512", "avx512_vnni"});
  if (bit(seven_one.eax, 5)) found.emplace_back("avx512_bf16");
  if (bit(seven.edx, 23)) found.emplace_back("avx512_fp16");
  if (cap < Isa::amx || !tiles || !bit(seven.edx, 24) || !ask_for_tiles()) return found;
  if (bit(seven.edx, 25)) found.emplace_back("amx_int8");
  if (bit(seven.edx, 22)) found.emplace_back("amx_bf16");
  return found;
}

std::string brand() {
  std::string text;
  if (__get_cpuid_max(0x80000000, nullptr) >= 0x80000004)
    for (unsigned leaf = 0x80000002; leaf <= 0x80000004; ++leaf) {
      const Registers r = cpuid(leaf);
      for (const unsigned word : {r.eax, r.ebx, r.ecx, r.edx})
        for (unsigned byte = 0; byte < 4; ++byte)
          if (const char c = static_cast<char>(word >> 8 * byte & 0xff)) text += c;
    }
  const auto first = text.find_first_not_of(' ');
  const auto last = text.find_last_not_of(' ');
  return first == std::string::npos ? "x86-64 CPU" : text.substr(first, last - first + 1);
}

std::string vendor() {
  const Registers r = cpuid(0);
  std::array<char, 13> text{};
  std::memcpy(text.data(), &r.ebx, 4);
  std::memcpy(text.data() + 4, &r.edx, 4);
  std::memcpy(text.data() + 8, &r.ecx, 4);
  return text.data();
}

/// "GenuineIntel-6-207", as CPUID leaf 1 encodes it.
std::string model_key() {
  const unsigned eax = cpuid(1).eax;
  unsigned family = eax >> 8 & 0xf;
  unsigned model = eax >> 4 & 0xf;
  if (family == 6 || family == 15) model += (eax >> 16 & 0xf) << 4;
  if (family == 15) family += eax >> 20 & 0xff;
  return fmt::format("{}-{}-{}", vendor(), family, model);
}

std::string read_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::size_t parse_size(const std::string& text) {
  char* end = nullptr;
  const auto value = std::strtoull(text.c_str(), &end, 10);
  return value << (*end == 'K' ? 10 : *end == 'M' ? 20 : 0);
}

std::map<std::string, std::size_t> caches(int cpu) {
  std::map<std::string, std::size_t> found;
  for (int index = 0; index < 8; ++index) {
    const auto folder = fmt::format("/sys/devices/system/cpu/cpu{}/cache/index{}/", cpu, index);
    const std::string level = read_line(folder + "level");
    if (level.empty()) break;
    const std::string type = read_line(folder + "type");
    if (type == "Instruction") continue;
    if (const auto bytes = parse_size(read_line(folder + "size"))) found[level == "1" ? "L1d" : "L" + level] = bytes;
  }
  if (found.empty()) {  // no sysfs: CPUID's deterministic cache parameters
    const unsigned leaf = vendor() == "AuthenticAMD" ? 0x8000001d : 4;
    for (unsigned index = 0; index < 8; ++index) {
      const Registers r = cpuid(leaf, index);
      const unsigned type = r.eax & 0x1f;
      if (type == 0) break;
      if (type == 2) continue;
      const std::size_t bytes = std::size_t{(r.ebx >> 22) + 1} * ((r.ebx >> 12 & 0x3ff) + 1) * ((r.ebx & 0xfff) + 1) *
                                (std::size_t{r.ecx} + 1);
      const unsigned level = r.eax >> 5 & 7;
      found[level == 1 ? "L1d" : fmt::format("L{}", level)] = bytes;
    }
  }
  return found;
}

/// Cores the control group pays for, or a large number.
int quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double share = 0, period = 0;
  if (file >> share >> period && period > 0) return std::max(1, static_cast<int>(std::ceil(share / period)));
  return 1 << 20;
}

}  // namespace

Isa isa_cap() {
  const char* text = std::getenv("HALFTONE_ISA");
  const std::string_view cap = text ? text : "";
  if (cap.empty() || cap == "amx") return Isa::amx;
  if (cap == "avx512") return Isa::avx512;
  if (cap == "avx2") return Isa::avx2;
  fail(Code::invalid_argument, "HALFTONE_ISA is '{}'; avx2, avx512 or amx", cap);
}

std::vector<int> allowed_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return {};
  std::vector<int> cores;
  std::set<std::string> siblings;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const auto line = read_line(fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu));
    if (siblings.insert(line.empty() ? fmt::format("{}", cpu) : line).second) cores.push_back(cpu);
  }
  return cores;
}

DeviceInfo detect(Isa cap) {
  DeviceInfo info;
  info.id = "cpu";
  info.name = brand();
  info.features = features(cap);
  if (info.features.empty()) fail(Code::unsupported, "{}: the CPU lacks AVX2, FMA, BMI or F16C (x86-64-v3)", info.name);
  info.key = fmt::format("{}-{}", model_key(), fmt::join(info.features, "+"));

  const auto cores = allowed_cores();
  info.cores = std::clamp(static_cast<int>(cores.size()), 1, quota());
  info.cache_bytes = caches(cores.empty() ? 0 : cores.front());
  info.memory_bytes =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return info;
}

}  // namespace halftone::cpu
