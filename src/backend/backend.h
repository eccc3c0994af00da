#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/kernel.h"

namespace halftone {

/// An ordered queue of work on a device. On a CPU calls run at once and synchronize() does nothing.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual void synchronize() = 0;
};

/// Work that was recorded once and is queued again as one piece.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void replay(Stream& stream) = 0;
};

/// A bandwidth of one level of the memory hierarchy, measured.
struct Bandwidth {
  std::string level;      ///< "L1", "L2", "L3", "DRAM"; a GPU's own "memory"
  std::size_t bytes = 0;  ///< capacity as one team sees it
  double read = 0;        ///< bytes/s
  double write = 0;       ///< bytes/s, 0 where not measured
};

/// Peaks measured on the device with `threads` threads; 0 operations where a type has no unit of its own.
struct Peaks {
  int threads = 1;
  std::map<Precision, double> flops;  ///< operations/s, a multiply-add counted as two
  std::vector<Bandwidth> bandwidth;   ///< innermost first; the last is main memory
};

struct DeviceInfo {
  std::string id;    ///< "cpu", "cuda:0"
  std::string name;  ///< "Intel(R) Xeon(R) …"
  std::string key;   ///< names devices on which one tactic choice holds: model and instruction sets, no spaces
  int cores = 1;     ///< physical cores (SMs) this process may use
  std::vector<std::string> features;               ///< "avx2", "avx512", "avx512_vnni", "avx512_bf16", "amx_int8", …
  std::map<std::string, std::size_t> cache_bytes;  ///< "L1d", "L2" a core; "L3" shared
  std::size_t memory_bytes = 0;
  std::map<std::string, double>
      clock_hz;  ///< the highest that the maker names: "cores", "memory"; empty where not told
};

/// What a device's own meter says.
struct PowerReading {
  double joules = 0;                ///< used since some moment in the past
  double clock_hz = 0;              ///< of the arithmetic units, now; 0 where not told
  std::vector<std::string> limits;  ///< what holds the clock down now: "power", "heat"; empty: nothing
};

/// A device: its memory, its clock and its kernels. Thread-safe but for its streams.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual const DeviceInfo& info() const = 0;
  virtual bool has(std::string_view feature) const;
  /// Whether products of u8 with i8 are faster than those of i8 with i8, so that signed data is better stored unsigned.
  virtual bool prefers_unsigned() const { return false; }
  /// Device memory, at least 64-byte aligned. Throws resource_exhausted, saying what was asked and what was free.
  virtual std::shared_ptr<Buffer> allocate(std::size_t bytes) = 0;
  virtual std::unique_ptr<Stream> new_stream() = 0;
  /// Whether kernels work on host memory, so that tensors need no copies.
  virtual bool host_memory() const { return true; }
  /// Host to device, device to host, or within; ordered on the stream, complete after synchronize().
  virtual void copy(void* to, const void* from, std::size_t bytes, Stream& stream) = 0;
  /// Rows in order of preference: the first that supports a Problem is the heuristic's choice.
  virtual std::span<const Kernel> kernels() const = 0;
  /// Seconds of device time `work` takes when called once on the stream.
  virtual double seconds(Stream& stream, const std::function<void()>& work) = 0;
  /// Notes what `work` queues on the stream, with its pointers as they are, and runs none of it. nullptr where the
  /// device has no such thing or something in `work` cannot be recorded.
  virtual std::unique_ptr<Recording> record(Stream& /*stream*/, const std::function<void()>& /*work*/) {
    return nullptr;
  }
  /// Makes the calling thread's later work use `threads` cores (a CPU's OpenMP team); nothing on a GPU.
  virtual void use_threads(int threads) = 0;
  /// Confines the calling thread, and the teams it makes from then on, to the `part`-th of `parts` equal shares of the
  /// cores; nothing on a GPU. Throws device where the system refuses.
  virtual void confine(int /*part*/, int /*parts*/) {}
  /// Gives up the team that the calling thread's work has made, so that it does not wait beside those of others.
  virtual void release_team() {}
  /// Measured once and kept for the process; takes a second or two at the first call.
  virtual const Peaks& peaks(int threads) = 0;
  /// nullopt where the device has no meter.
  virtual std::optional<PowerReading> power() { return std::nullopt; }
  /// Host memory the device copies from and to at full speed and while it computes.
  virtual std::shared_ptr<Buffer> allocate_staging(std::size_t bytes);
  /// Whether the device has failed for good: nothing of this process can run on it any more.
  virtual bool lost() { return false; }
  /// Makes the device forget what caches hold of earlier runs, so that a candidate is timed as in a network.
  virtual void flush_caches() {}
};

/// The kernel of that name, or nullptr.
const Kernel* find_kernel(const Backend& backend, std::string_view name);

}  // namespace halftone
