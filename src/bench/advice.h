#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/results.h"

namespace halftone {

/// One recommendation, in words with its numbers.
struct Advice {
  std::string topic;  ///< "throughput", "latency", "latency limit", "accuracy"
  std::string text;
  std::optional<Result> chosen;  ///< absent where nothing fits
};

/// The share of FP32's top-1 that a precision must keep to be recommended (MLPerf's rule for ResNet-50).
inline constexpr double kAccuracyKept = 0.99;

/// Advice by rule, for one model of the results:
///   throughput: the knee of the sweep with the largest throughput;
///   latency: the smallest p50 at the smallest batch;
///   latency limit (where `p99_limit_ms` is given): the largest throughput whose p99 keeps it;
///   accuracy: the fastest precision that keeps kAccuracyKept of FP32's top-1, where that was measured.
/// Where the runner-up of another precision is within the intervals, the text says so.
std::vector<Advice> advise(const Results& results, std::string_view model, std::optional<double> p99_limit_ms = {});

/// The models of the results, in order of first appearance.
std::vector<std::string> models_of(const Results& results);

}  // namespace halftone
