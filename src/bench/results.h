#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/statistics.h"

namespace halftone {

/// What the measurements ran on.
struct Machine {
  std::string name;                   ///< the processor's own name
  int cores = 0;                      ///< physical cores the process could use
  std::vector<std::string> features;  ///< instruction sets: "avx2", "avx512_vnni", …
  std::uint64_t memory_bytes = 0;
  std::map<std::string, double> peaks;          ///< measured operations/s by precision
  std::map<std::string, double> bandwidth;      ///< measured read bytes/s by level: "L2", "DRAM", …
  std::map<std::string, std::string> software;  ///< versions by engine: {"onnxruntime", "1.31.1"}
};

/// Answers over a labelled set. Counts are images.
struct Accuracy {
  std::int64_t images = 0;
  std::int64_t top1 = 0;
  std::int64_t top5 = 0;
  /// Beside the model in FP32 on the same images, absent for FP32 itself: the same first answer, right there but wrong
  /// here, wrong there but right here.
  struct Change {
    std::int64_t agree = 0, lost = 0, gained = 0;
    bool operator==(const Change&) const = default;
  };
  std::optional<Change> change;
  double top1_share() const { return static_cast<double>(top1) / static_cast<double>(images); }
  double top5_share() const { return static_cast<double>(top5) / static_cast<double>(images); }
  bool operator==(const Accuracy&) const = default;
};

/// Milliseconds a batch.
struct Latency {
  double p50 = 0, p90 = 0, p95 = 0, p99 = 0;
  bool operator==(const Latency&) const = default;
};

/// One measured point.
struct Result {
  std::string model;
  std::string engine = "halftone";
  std::string device = "cpu";
  std::string precision;  ///< "fp32", "bf16", "int8", …
  int batch = 1;
  int threads = 1;        ///< a session
  int sessions = 1;       ///< running at once, on all devices
  int devices = 1;        ///< that share the work, an engine each; `device` names them: "cuda:0,cuda:1"
  double throughput = 0;  ///< images/s of all sessions: sessions * batch / median latency
  Latency latency_ms;
  Interval ci95;                              ///< of the throughput, images/s
  int iterations = 0;                         ///< timed runs behind the figures
  std::optional<double> end_to_end;           ///< images/s with decoding, preprocessing and copies counted
  std::optional<double> host_to_host;         ///< images/s with the copies to and from the device counted
  std::optional<double> images_per_joule;     ///< by the device's own meter, idle parts included
  std::optional<double> clock_mhz;            ///< of the device, at the end of the energy run
  std::vector<std::string> limited_by;        ///< what held that clock down: "power", "heat"
  std::optional<std::uint64_t> memory_bytes;  ///< weights and arenas of all sessions
  /// Of another engine: root of the mean square of its outputs' difference from ours, over that of ours.
  std::optional<double> output_difference;
  std::optional<Accuracy> accuracy;
};

/// Whether b has the higher throughput.
inline bool higher_rate(const Result& a, const Result& b) { return a.throughput < b.throughput; }

/// An engine, or one of its cells, that was asked for and could not be measured.
struct Absent {
  std::string engine;
  std::string what;  ///< "resnet50 bf16 at batch 8"; empty: all of the engine
  std::string why;
  bool operator==(const Absent&) const = default;
};

/// Where the time of one run goes: each step's median, taken one by one.
struct Profile {
  struct Layer {
    std::string node, problem, kernel;
    double ms = 0;
  };
  std::string model, device, precision;
  int batch = 1;
  std::vector<Layer> layers;
};

/// A file of measurements, docs/results.md.
struct Results {
  static constexpr int kSchema = 1;
  Machine machine;
  std::string created;             ///< UTC, ISO 8601; empty where not known
  std::string command;             ///< the command line that measured; empty where not known
  std::vector<std::string> notes;  ///< sentences: how it was measured, what disturbed it
  std::vector<Result> results;
  std::vector<Absent> absent;
  std::vector<Profile> profiles;
};

/// A Result from the durations of single runs in milliseconds, in lists that differ as another measurement would
/// (independent_runs); at least one run. Empty lists do not count.
Result make_result(Result description, std::span<const std::vector<double>> lists_ms);

std::string to_json(const Results& results);

/// The inverse. `where` begins error messages. Throws invalid_model for text that is not JSON, is cut short, or lacks a
/// field (named), and unsupported for another schema.
Results parse_results(std::string_view json, std::string_view where);

/// Reads and parses a file. Throws as parse_results and read_file do.
Results read_results(const std::filesystem::path& path);

/// Points that differ only in batch size, ascending.
struct Sweep {
  std::string model, engine, device, precision;
  int threads = 1, sessions = 1;
  std::vector<Result> points;
  /// The point of the smallest batch with at least 0.9 of the largest throughput.
  const Result& knee() const;
  const Result& fastest() const;
};

/// Groups by all but batch, in order of first appearance. Of two points with one batch the later counts.
std::vector<Sweep> sweeps_of(const Results& results);

}  // namespace halftone
