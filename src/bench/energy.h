#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace halftone {

/// The energy counters of the processor packages (RAPL), as Linux shows them: intel-rapl:N/energy_uj, on AMD too.
class EnergyMeter {
 public:
  explicit EnergyMeter(const std::filesystem::path& powercap = "/sys/class/powercap");
  /// Joules all packages spent since the meter was made; counters that began anew are followed as long as this is
  /// called once a turn of theirs (minutes). Nothing where there are none, or one can no longer be read.
  std::optional<double> joules();
  /// Why joules() says nothing: "no processor here shows its energy", or that reading needs more rights. Empty where it
  /// does.
  const std::string& reason() const { return reason_; }

 private:
  struct Counter {
    std::filesystem::path file;
    std::uint64_t range = 0;  ///< microjoules after which it begins anew
    std::uint64_t last = 0;
  };
  std::vector<Counter> counters_;
  double joules_ = 0;
  std::string reason_;
};

}  // namespace halftone
