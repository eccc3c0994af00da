#pragma once
#include <functional>
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

/// The core clock in GHz, from a chain of multiplications of known length. Takes about 0.1 ms.
double clock_ghz();

/// Watches from construction on whether others used the machine meanwhile, and whether its clock kept its pace.
class NoiseWatch {
 public:
  /// `children` says how many seconds of processor time helping processes have used that belong to the measurement.
  explicit NoiseWatch(std::function<double()> children = {});
  /// Looks at the clock; called now and then while measuring.
  void sample();
  /// Sentences for Results::notes: more than 2 % of the machine's time went to other processes, or was stolen; the
  /// clock moved by more than 5 %. Empty where the machine was quiet, or where Linux does not say.
  std::vector<std::string> findings() const;

 private:
  std::function<double()> children_;
  std::optional<MachineTime> begin_;
  double own_begin_;
  std::vector<double> clocks_;
};

/// The sentences for a stretch in which this process and its children used `own_seconds`.
std::vector<std::string> noise_between(const MachineTime& begin, const MachineTime& end, double own_seconds);

/// The sentence about the clock's readings in GHz, if there is one to be said: the middle nine tenths of them lie more
/// than 5 % apart.
std::vector<std::string> clock_noise(std::vector<double> readings);

/// Whether a note is one of these sentences.
bool is_disturbance(std::string_view note);

/// Notes with such sentences that differ in their figures alone made one, at the first one's place: "…other processes
/// took 3; 10 % of its time meanwhile."
std::vector<std::string> join_disturbances(std::vector<std::string> notes);

}  // namespace halftone
