#include "cpu/cpu_backend.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>

#include "base/clock.h"
#include "cpu/cpu_info.h"
#include "cpu/onednn.h"
#include "cpu/peaks.h"

namespace halftone {
namespace cpu {

#define HALFTONE_KERNEL(name) extern const Kernel kernel_##name;
#include "cpu/kernels.def"
#undef HALFTONE_KERNEL

namespace {

class CpuStream : public Stream {
 public:
  void synchronize() override {}
};

class CpuBackend : public Backend {
 public:
  explicit CpuBackend(DeviceInfo info) : info_(std::move(info)), cores_(allowed_cores()) {
#define HALFTONE_KERNEL(name) kernels_.push_back(kernel_##name);
#include "cpu/kernels.def"
#undef HALFTONE_KERNEL
  }

  const DeviceInfo& info() const override { return info_; }
  bool prefers_unsigned() const override { return has("avx512_vnni") && !has("amx_int8"); }  // VNNI's one form
  std::shared_ptr<Buffer> allocate(std::size_t bytes) override { return allocate_host(bytes); }
  std::unique_ptr<Stream> new_stream() override { return std::make_unique<CpuStream>(); }
  void copy(void* to, const void* from, std::size_t bytes, Stream&) override {
    if (bytes) std::memmove(to, from, bytes);
  }
  std::span<const Kernel> kernels() const override { return kernels_; }
  double seconds(Stream&, const std::function<void()>& work) override {
    const double begin = now_seconds();
    work();
    return now_seconds() - begin;
  }
  void use_threads(int threads) override { omp_set_num_threads(std::max(1, threads)); }
  void confine(int part, int parts) override {
    const auto share = [&](int i) {
      return cores_.size() * static_cast<std::size_t>(i) / static_cast<std::size_t>(parts);
    };
    cpu_set_t mine;
    CPU_ZERO(&mine);
    for (auto i = share(part); i < share(part + 1); ++i) CPU_SET(cores_[i], &mine);
    if (sched_setaffinity(0, sizeof mine, &mine) != 0)
      fail(Code::device, "cannot confine a thread to its cores: {}", std::strerror(errno));
  }
  void release_team() override { omp_pause_resource_all(omp_pause_soft); }

  const Peaks& peaks(int threads) override {
    const std::lock_guard lock(mutex_);
    const auto found = peaks_.find(threads);
    if (found != peaks_.end()) return found->second;
    return peaks_.emplace(threads, measure_peaks(*this, threads)).first->second;
  }

  void flush_caches() override {
    const std::lock_guard lock(mutex_);
    const auto l2 = info_.cache_bytes.find("L2");
    const std::size_t share = 2 * (l2 == info_.cache_bytes.end() ? std::size_t{1} << 20 : l2->second);
    const auto threads = static_cast<std::size_t>(omp_get_max_threads());
    if (flush_.size() < threads * share) flush_.assign(threads * share, 1);
#pragma omp parallel
    {
      auto* begin = flush_.data() + static_cast<std::size_t>(omp_get_thread_num()) * share;
      for (std::size_t at = 0; at < share; at += 64) *static_cast<volatile unsigned char*>(begin + at) = 1;
    }
  }

 private:
  DeviceInfo info_;
  std::vector<int> cores_;
  std::vector<Kernel> kernels_;
  std::mutex mutex_;
  std::map<int, Peaks> peaks_;
  std::vector<unsigned char> flush_;
};

}  // namespace
}  // namespace cpu

std::shared_ptr<Backend> make_cpu_backend() {
  const cpu::Isa cap = cpu::isa_cap();
  auto backend = std::make_shared<cpu::CpuBackend>(cpu::detect(cap));
  cpu::onednn::cap_isa(cap);
  return backend;
}

}  // namespace halftone
