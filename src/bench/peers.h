#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/measure.h"
#include "core/tensor.h"

namespace halftone {

/// The full name of a peer: "onnxruntime" (or "ort"), "openvino", "torch" (or "pytorch"), "tensorflow" (or "tf").
/// Throws invalid_argument for others.
std::string peer_name(std::string_view text);

/// What a peer is asked to measure: a model file on these inputs.
struct PeerJob {
  std::string engine, model, precision;
  int batch = 1, threads = 1, sessions = 1;
  std::vector<std::pair<std::string, Tensor>> inputs;
};

/// Other engines, run by a Python process that is started once and spoken to over pipes, so that its points take turns
/// with ours. Every member throws device where that process ends before its time.
class Peers {
 public:
  /// Starts `python`, which needs NumPy and the engines (tools/peers sets one up). Throws not_found where it cannot.
  explicit Peers(const std::string& python);
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;
  ~Peers();

  struct Presence {
    std::string version;
    std::string absent;  ///< why, where the engine is not there
  };
  Presence load(const std::string& engine);

  struct Opened {
    Point point;                  ///< empty where the job was refused; must not outlive this object
    std::vector<Tensor> outputs;  ///< of one run, f32
    std::string refused;          ///< why
  };
  /// Makes a job ready to be timed.
  Opened open(const PeerJob& job);
  /// Lets go of everything opened, and of its memory.
  void close();

  /// Processor time that the process has used.
  double cpu_seconds() const;

 private:
  class Process;
  std::unique_ptr<Process> process_;
};

/// The Python of HALFTONE_PEERS_PYTHON, else python3.
std::string peers_python();

/// Root of the mean square of the outputs' difference over that of `ours`, over all of them; infinite where they differ
/// in number or size.
double output_difference(std::span<const Tensor> ours, std::span<const Tensor> theirs);

/// The output_difference() above which an engine is taken to do other work, by precision: rounding alone stays well
/// below.
double largest_difference(std::string_view precision);

}  // namespace halftone
