#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/accuracy_rows.h"
#include "apps/common.h"
#include "bench/checkpoint.h"
#include "bench/energy.h"
#include "bench/noise.h"
#include "bench/peers.h"
#include "bench/results.h"
#include "engine/session_team.h"

/// What `bench` and `study` share: measuring engines over batch sizes, points taking turns.
namespace halftone {

/// Builds an engine on each of a set of devices whenever it is called.
using EngineBuilder = std::function<std::vector<std::shared_ptr<const Engine>>()>;

/// build_engines() with these arguments, after the first time without a progress bar. `graph` must outlive it.
EngineBuilder engine_builder(const Graph& graph, const DeviceSet& devices, const EngineFlags& flags,
                             const std::vector<std::int64_t>& batches, Precision precision);

/// A model in one precision on one device, ready to be measured.
struct Contender {
  std::string model;  ///< its name in the results
  std::string file;   ///< what peers are given; empty where there is no such file
  Precision precision = Precision::fp32;
  EngineBuilder build;  ///< makes others like the team's
  std::unique_ptr<SessionTeam> team;
  const Engine& engine() const { return team->engine(); }
  int devices() const { return static_cast<int>(team->engines().size()); }
  std::string device() const;  ///< "cuda:0,cuda:1"
};

/// Builds the engines and opens the sessions, so many on each device. Throws as both do.
Contender make_contender(std::string model, std::string file, Precision precision, EngineBuilder build,
                         int sessions = 1);

/// Measures over the whole of a command: noise, energy, checkpoint, peers.
class Sweeper {
 public:
  struct Options {
    Protocol protocol;
    std::vector<std::int64_t> batches;
    std::vector<std::string> peers;    ///< full names
    std::filesystem::path checkpoint;  ///< empty: none
    std::string identity;              ///< what must be the same to go on with a checkpoint
    bool quiet = false;
  };

  /// Starts the peers' process where there are peers, and notes those that are not there in `results`, which must
  /// outlive measure() and finish().
  Sweeper(Options options, Results& results);

  /// Measures every contender at every batch, and every peer on their files, all taking turns; appends points, profiles
  /// and a note to the results. Between two sittings engines and sessions are built anew, peers' too. After an
  /// interruption what is complete is appended before the error passes on.
  void measure(std::vector<Contender>& contenders);

  /// Notes what disturbed the machine. Called at the end.
  void finish();
  /// Called once the results are safe elsewhere.
  void discard_checkpoint() { checkpoint_.discard(); }

 private:
  struct Cell;
  void add_ours(const Contender& contender, std::vector<Cell>& cells) const;
  void add_peers(const std::vector<Cell>& ours, std::vector<Cell>& cells);
  std::string key_of(const Cell& cell) const;
  void open(Cell& cell);
  void add_absent(const Result& cell, const std::string& why);
  void keep(double seconds);
  void append(const std::vector<Cell>& cells, std::span<const Measured> measured);

  Options options_;
  Results& results_;
  Checkpoint checkpoint_;
  EnergyMeter energy_;
  std::unique_ptr<Peers> peers_;
  std::optional<NoiseWatch> noise_;
  bool warned_ = false;  ///< that the checkpoint cannot be written
};

/// Where the time of an engine goes at a batch.
Profile profile_of(const Contender& contender, std::int64_t batch);

}  // namespace halftone
