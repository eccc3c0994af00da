#pragma once
#include "bench/results.h"

namespace halftone::samples {

/// A point with an interval of +-1 %.
inline Result point(const char* precision, int batch, double throughput) {
  Result result;
  result.model = "resnet";
  result.precision = precision;
  result.batch = batch;
  result.threads = 2;
  result.throughput = throughput;
  const double p50 = 1000.0 * batch / throughput;
  result.latency_ms = {p50, 1.01 * p50, 1.02 * p50, 1.05 * p50};
  result.ci95 = {0.99 * throughput, 1.01 * throughput};
  result.iterations = 100;
  return result;
}

/// Two precisions over three batches, with accuracy: int8 loses 5 of 650 images.
inline Results two_precisions() {
  Results results;
  results.machine = {"A <Processor>",   2, {"avx2", "avx512"}, std::uint64_t{16} << 30, {{"fp32", 4.7e11}},
                     {{"DRAM", 4.2e10}}};
  results.created = "2026-01-02T03:04:05Z";
  results.notes = {"20 warm-up and 100 timed runs a point."};
  for (const auto& [batch, rate] : {std::pair{1, 40.0}, {8, 48.0}, {32, 50.0}})
    results.results.push_back(point("fp32", batch, rate));
  for (const auto& [batch, rate] : {std::pair{1, 130.0}, {8, 175.0}, {32, 180.0}})
    results.results.push_back(point("int8", batch, rate));
  for (auto& result : results.results)
    result.accuracy = result.precision == "fp32" ? Accuracy{650, 509, 610, {}}
                                                 : Accuracy{650, 504, 608, Accuracy::Change{620, 12, 7}};
  return results;
}

}  // namespace halftone::samples
