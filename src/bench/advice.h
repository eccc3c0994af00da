#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/results.h"
#include "bench/slo.h"

namespace halftone {

/// One recommendation, in words with its numbers.
struct Advice {
  std::string topic;  ///< "throughput", "latency", "latency limit", "energy", "accuracy at any price", "accuracy kept"
  std::string text;
  std::optional<Result> chosen;  ///< absent where nothing fits
};

/// The share of FP32's top-1 that a precision must keep to be recommended (MLPerf's rule for ResNet-50).
inline constexpr double kAccuracyKept = 0.99;

/// Advice by rule, for one model of the results:
///   throughput: the knee of the sweep with the largest throughput;
///   latency: the smallest p50 at the smallest batch;
///   latency limit (where `slo` is given): the largest throughput that keeps it;
///   energy: the most images a joule, where that was measured;
///   accuracy at any price: the precision that answers most images right;
///   accuracy kept: the fastest precision that keeps kAccuracyKept of FP32's top-1.
/// A ratio whose interval holds 1 is not quoted, and where the runner-up of another precision or engine is within the
/// intervals, the text says so.
std::vector<Advice> advise(const Results& results, std::string_view model, const std::optional<Slo>& slo = {});

/// The models of the results, in order of first appearance.
std::vector<std::string> models_of(const Results& results);

/// The advice about accuracy, from the points of one model.
std::vector<Advice> advise_accuracy(const std::vector<const Result*>& points);

}  // namespace halftone
