#include "bench/device_rows.h"

#include <algorithm>
#include <tuple>

#include "bench/advice.h"
#include "bench/format.h"

namespace halftone {
namespace {

std::string times(const Sweep& sweep, const Sweep* base) {
  if (base == nullptr || base == &sweep) return "";
  const auto &ours = sweep.fastest(), &theirs = base->fastest();
  return ratio_text(ratio_of(ours.throughput, ours.ci95, theirs.throughput, theirs.ci95));
}

/// Of the sweeps that differ in threads and sessions alone the fastest.
std::vector<Sweep> best_sweeps(const Study& study) {
  const auto key = [](const Sweep& sweep) { return std::tie(sweep.model, sweep.device, sweep.precision); };
  std::vector<Sweep> best;
  for (auto& sweep : sweeps_of(study.all)) {
    if (sweep.engine != "halftone") continue;
    const auto same = std::find_if(best.begin(), best.end(), [&](auto& other) { return key(other) == key(sweep); });
    if (same == best.end()) best.push_back(std::move(sweep));
    else if (same->fastest().throughput < sweep.fastest().throughput) *same = std::move(sweep);
  }
  return best;
}

}  // namespace

Rows device_rows(const Study& study) {
  if (study.machines.size() < 2 || study.devices.size() < 2) return {{"model"}};
  const auto& first = study.devices.front();
  Rows rows{{"model", "precision", "device", "batch 1, ms", "knee", "images/s at the knee", "largest images/s",
             "images/J at the knee", "× " + first + " fp32", "× " + first + " at its fastest"}};
  const auto sweeps = best_sweeps(study);
  for (const auto& model : models_of(study.all)) {
    const Sweep *fp32 = nullptr, *fastest = nullptr;
    for (const auto& sweep : sweeps) {
      if (sweep.model != model || sweep.device != first) continue;
      if (sweep.precision == "fp32") fp32 = &sweep;
      if (fastest == nullptr || fastest->fastest().throughput < sweep.fastest().throughput) fastest = &sweep;
    }
    for (const auto& sweep : sweeps) {
      if (sweep.model != model) continue;
      const auto& knee = sweep.knee();
      const auto& smallest = sweep.points.front();
      rows.push_back({model, sweep.precision, sweep.device,
                      smallest.batch == 1 ? format_number(smallest.latency_ms.p50) : "",
                      sweep.points.size() > 1 ? std::to_string(knee.batch) : "", format_number(knee.throughput),
                      format_number(sweep.fastest().throughput),
                      knee.images_per_joule ? format_number(*knee.images_per_joule) : "", times(sweep, fp32),
                      times(sweep, fastest)});
    }
  }
  return rows;
}

}  // namespace halftone
