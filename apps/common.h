#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "data/preprocess.h"
#include "engine/engine.h"
#include "onnx/reader.h"

/// What several verbs share: opening models and devices, and the flags of a build.
namespace halftone {

/// "cpu", or "cuda:0" in a build with CUDA. Throws not_found, saying which devices there are, and invalid_argument for
/// a list of several.
std::shared_ptr<Backend> open_device(const std::string& name);

/// Devices that work together, each with an engine of its own.
struct DeviceSet {
  std::vector<std::shared_ptr<Backend>> backends;  ///< at least one; all of one model
  std::string id() const;                          ///< "cuda:0,cuda:1"
  /// Cores a run uses where nobody says: all of a GPU's, a share of the CPU's.
  int threads_each(int sessions = 1) const;
};

/// "cuda:0,cuda:1", "cuda:all", or a single one. "cpu,cpu" is two engines on the CPU that share its cores. Throws
/// not_found as open_device does, and invalid_argument where a GPU stands twice or the devices are not alike.
DeviceSet open_devices(const std::string& names);

/// Reads the model and prints its warnings to stderr.
OnnxModel load_model(const std::string& path);

/// "1,2,4" or "1-64" (doubling) as batch sizes. Throws invalid_argument.
std::vector<std::int64_t> parse_batches(const std::string& text);

/// "fp32,bf16,int8" as precisions. Throws invalid_argument, saying which there are.
std::vector<Precision> parse_precisions(const std::string& text);
/// The same where only one can be meant.
Precision parse_one_precision(const std::string& text);

/// The preprocessing text with the crop taken from the model's image input.
Preprocess preprocess_for(const std::string& text, const Graph& graph);

/// Makes graph and preprocessing meet in the bytes of pictures: the loader leaves them as they are and the network
/// normalises them, on its device.
void enter_as_bytes(Graph& graph, Preprocess& preprocess);

/// Whether the graph holds QuantizeLinear or DequantizeLinear.
bool is_quantized(const Graph& graph);

/// int8, or fp8 where a quantised graph's data is 8-bit floats; nothing for a graph that is not quantised.
std::optional<Precision> quantized_to(const Graph& graph);

/// What is left in float runs in: the precision itself, and fp32 beside int8 and fp8.
Precision float_precision(Precision precision);

/// What --device takes.
enum class Devices : std::uint8_t {
  one,
  together,  ///< or several that share the work
  sets,      ///< or several such sets, to be compared
};

/// Flags every verb that builds an engine has.
struct EngineFlags {
  std::string device = "cpu";
  std::vector<std::string> device_sets{"cpu"};  ///< in place of `device`, of a verb that takes several sets
  int threads = 0;
  bool no_tune = false;
  bool quiet = false;
  std::vector<std::string> passes_off;
  std::vector<std::string> kernels_off;

  void add_to(CLI::App& verb, Devices devices = Devices::one);
  BuildOptions options() const;
};

/// Builds with a progress bar on stderr.
std::shared_ptr<const Engine> build_engine(const Graph& graph, const std::shared_ptr<Backend>& backend,
                                           const EngineFlags& flags, std::vector<std::int64_t> batches,
                                           Precision precision);

/// An engine on each device; the first one's tactics hold for all.
std::vector<std::shared_ptr<const Engine>> build_engines(const Graph& graph, const DeviceSet& devices,
                                                         const EngineFlags& flags, std::vector<std::int64_t> batches,
                                                         Precision precision);

/// JSON as text; bytes of names that are no UTF-8 become the replacement character.
std::string json_text(const nlohmann::json& json);

/// A sink for (done, total) that draws a labelled bar on stderr, or nothing when quiet.
std::function<void(std::size_t, std::size_t)> progress_bar(std::string label, bool quiet);

/// The same for (stage, done, total): a bar a stage, the last one gone when the sink is.
std::function<void(const std::string&, std::size_t, std::size_t)> staged_progress(bool quiet);

}  // namespace halftone
