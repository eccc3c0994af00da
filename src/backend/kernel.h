#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/tensor.h"
#include "graph/problem.h"

namespace halftone {

class Backend;
class Stream;

/// Yes, or no with the reason.
struct Support {
  bool ok = true;
  std::string reason;
  static Support yes() { return {}; }
  static Support no(std::string why) { return {false, std::move(why)}; }
  explicit operator bool() const { return ok; }
};

/// Yes where the operator has a meaning to run: its own reference or what it expands to.
Support has_reference(const Problem& problem);

/// What a session keeps for one prepared kernel (library handles, say). Owned by the session, used by one thread at a
/// time.
class KernelState {
 public:
  virtual ~KernelState() = default;
};

/// Pointers of one call, on the backend's memory. Absent and packed constant inputs may be null. `workspace` has
/// Prepared::workspace_bytes() bytes, 64-byte aligned, its content undefined.
struct RunArgs {
  std::span<const void* const> inputs;
  std::span<void* const> outputs;
  void* workspace = nullptr;
  KernelState* state = nullptr;
  Stream* stream = nullptr;
};

/// A Problem made ready: weights packed, code chosen. Immutable and shared by sessions.
class Prepared {
 public:
  virtual ~Prepared() = default;
  virtual std::size_t workspace_bytes() const { return 0; }
  virtual std::unique_ptr<KernelState> make_state() const { return nullptr; }
  /// Input whose buffer output 0 may take over (its value is used up), or -1. run() must also be right when they
  /// differ.
  virtual int in_place_input() const { return -1; }
  /// False when a constant input was packed and run() never looks at its pointer: the engine then drops the original.
  virtual bool reads_constant(std::size_t /*input*/) const { return true; }
  /// Allocates nothing; asynchronous where the stream is. Uses the calling thread's OpenMP team on CPUs.
  virtual void run(const RunArgs& args) const = 0;
};

/// Packed constants shared by every program of an engine (and by its sessions): the same weights packed the same way
/// exist once. Keyed by the source's type and content and a text that names the packing.
class WeightCache {
 public:
  /// The packed tensor for (source, packing), made by `pack` at the first call. `source` is on the host.
  Tensor get(const Tensor& source, const std::string& packing, const std::function<Tensor()>& pack);
  /// Bytes held.
  std::size_t bytes() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Tensor> entries_;
};

/// What `prepare` gets. `constants[i]` is defined where input i is constant (host memory).
struct PrepareContext {
  const Problem& problem;
  std::string_view config;  ///< one of the kernel's configs()
  std::span<const Tensor> constants;
  Backend& backend;
  WeightCache& weights;
  int threads = 1;  ///< the team size the program will run with
};

/// One way to compute some Problems on one backend. A tactic is a kernel and one of its configs.
struct Kernel {
  std::string_view name;  ///< "onednn.conv", "avx512.depthwise", "reference"
  /// Cheap; no side effects. The reason of a refusal is shown to people.
  Support (*supports)(const Problem&, const Backend&);
  /// Configs worth trying, best guess first; at least one ("" when there is nothing to choose).
  std::vector<std::string> (*configs)(const Problem&, const Backend&);
  std::unique_ptr<Prepared> (*prepare)(const PrepareContext&);
  /// False for fallbacks (the reference): run only where nothing else supports the Problem, and never timed against
  /// others.
  bool competes = true;
  /// Takes operands of any type and is slow at it: good to have, not worth joining nodes for.
  bool takes_any = false;
};

}  // namespace halftone
