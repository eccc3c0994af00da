#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "engine/memory_plan.h"
#include "engine/tactic.h"
#include "graph/graph.h"
#include "passes/pass.h"

namespace halftone {

/// What a build tells of its progress.
struct BuildProgress {
  std::int64_t batch = 0;
  std::size_t done = 0;   ///< Problems settled
  std::size_t total = 0;  ///< distinct Problems of this program
  std::string problem;    ///< the one being measured; empty at the end
};

struct BuildOptions {
  std::vector<std::int64_t> batches{1};   ///< one program each
  Precision precision = Precision::fp32;  ///< for what the graph leaves in float; quantised parts run as they are
  int threads = 0;                        ///< cores a run uses; 0: all of the device's
  bool tune = true;  ///< false: cached and planned tactics, else those of other batches, else the kernels' order
  std::filesystem::path cache = default_cache_path();  ///< empty: none
  std::set<std::string> passes_off;
  std::set<std::string> kernels_off;  ///< rows left out, by name
  std::function<void(const BuildProgress&)> progress;
};

/// Where a step finds an operand.
struct Slot {
  enum class Kind : std::uint8_t { absent, input, output, arena, constant };
  Kind kind = Kind::absent;
  std::size_t index = 0;  ///< input or output number, byte offset in the arena, index of the program's constants
};

/// One kernel call of a program.
struct Step {
  std::string node;
  Problem problem;
  Tactic tactic;
  std::shared_ptr<const Prepared> prepared;  ///< null: a plain copy of input 0 to output 0
  std::vector<Slot> inputs;
  std::vector<Slot> outputs;
};

/// A port of the engine. `type` has the program's batch as its first extent.
struct Port {
  std::string name;
  TensorType type;
};

/// The engine's work for one batch size.
struct Program {
  std::int64_t batch = 0;
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::vector<Step> steps;
  std::vector<Tensor> constants;  ///< on the device; those no kernel packed
  std::size_t arena_bytes = 0;
  std::size_t arena_floor = 0;  ///< most bytes of activations alive at once
  std::size_t workspace_bytes = 0;
  std::size_t unshared_bytes = 0;  ///< what the activations would take without reuse
  std::vector<PassRecord> passes;
};

/// A graph made ready for a device: immutable, shared by threads, each with a Session of its own.
class Engine {
 public:
  const std::string& name() const { return name_; }
  const std::shared_ptr<Backend>& backend() const { return backend_; }
  int threads() const { return threads_; }
  Precision precision() const { return precision_; }
  /// Batch sizes there are programs for, ascending.
  std::vector<std::int64_t> batches() const;
  /// Throws invalid_argument when there is none of that batch, saying which there are.
  const Program& program(std::int64_t batch) const;
  /// Bytes of packed weights and constants, shared by all programs and sessions.
  std::size_t weight_bytes() const;
  /// Every tactic in use, for a plan's metadata.
  const TacticCache& tactics() const { return tactics_; }
  double build_seconds() const { return build_seconds_; }

 private:
  friend class Builder;
  std::string name_;
  std::shared_ptr<Backend> backend_;
  int threads_ = 1;
  Precision precision_ = Precision::fp32;
  std::map<std::int64_t, Program> programs_;
  WeightCache weights_;
  TacticCache tactics_;
  double build_seconds_ = 0;
};

/// Lowers the graph, chooses a tactic for each node (tactic records in the graph's metadata, then the cache file, then
/// by measuring, then the kernels' own order), packs weights and plans memory. Throws unsupported when a node has no
/// kernel, naming it and why each refused.
std::shared_ptr<const Engine> build(const Graph& graph, std::shared_ptr<Backend> backend,
                                    const BuildOptions& options = {});

/// Name of the metadata entry that carries the tactic records of a device.
std::string tactic_metadata_key(const DeviceInfo& device);

}  // namespace halftone
