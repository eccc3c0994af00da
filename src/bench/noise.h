#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halftone {

/// Processor time since the machine started, in seconds over all processors, from /proc/stat.
struct MachineTime {
  double busy = 0;    ///< spent by all processes and the kernel
  double stolen = 0;  ///< taken by other machines on the same hardware
  double total = 0;
};

/// Reads /proc/stat's first line. Nothing where it is not what Linux writes.
std::optional<MachineTime> parse_machine_time(std::string_view proc_stat);

/// Watches from construction on whether others used the machine meanwhile.
class NoiseWatch {
 public:
  NoiseWatch();
  /// Sentences for Results::notes: more than 2 % of the machine's time went to other processes, or was stolen. Empty
  /// where the machine was quiet, or where Linux does not say.
  std::vector<std::string> findings() const;

 private:
  std::optional<MachineTime> begin_;
  double own_begin_;
};

/// The sentences for a stretch in which this process used `own_seconds`.
std::vector<std::string> noise_between(const MachineTime& begin, const MachineTime& end, double own_seconds);

}  // namespace halftone
