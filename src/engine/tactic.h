#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace halftone {

/// One candidate the tuner looked at: a time, or why it is out.
struct Candidate {
  std::string kernel;
  std::string config;
  double seconds = 0;   ///< median of the timed calls; 0 when it never ran
  std::string refusal;  ///< why it cannot run, or what its output got wrong; empty when it was timed
};

/// What the tuner chose for a Problem, and what it beat.
struct Tactic {
  std::string kernel;
  std::string config;
  double seconds = 0;  ///< 0 when chosen by heuristic
  std::string source;  ///< "measured", "plan", "cache", "nearby" (measured at another batch size) or "heuristic"
  std::vector<Candidate> candidates;
};

/// Tactics by device, team size and Problem line. Not thread-safe.
class TacticCache {
 public:
  /// Records of an earlier save. A file that is absent, of another version or damaged gives an empty cache.
  static TacticCache load(const std::filesystem::path& path);
  /// Writes all or nothing, merged with what the file holds by then; processes that save one file wait for each other.
  /// Throws io.
  void save(const std::filesystem::path& path) const;

  /// The text form kept in a plan's metadata, for one device key.
  std::string serialize(const std::string& device) const;
  /// Adds the records of such a text. Throws invalid_model when it is not one.
  void add(const std::string& device, const std::string& text);

  const Tactic* find(const std::string& device, int threads, const std::string& problem) const;
  /// The tactics of the same Problem at other batch sizes, the nearest one first.
  std::vector<const Tactic*> find_nearby(const std::string& device, int threads, const std::string& problem) const;
  void put(const std::string& device, int threads, const std::string& problem, Tactic tactic);
  std::size_t size() const { return records_.size(); }
  bool changed() const { return changed_; }

 private:
  struct Key {
    std::string device;
    int threads;
    std::string problem;
    auto operator<=>(const Key&) const = default;
  };
  std::map<Key, Tactic> records_;
  bool changed_ = false;
};

/// $HALFTONE_CACHE, else $XDG_CACHE_HOME/halftone, else ~/.cache/halftone; the file tactics.json in it. Empty when
/// there is no home.
std::filesystem::path default_cache_path();

}  // namespace halftone
