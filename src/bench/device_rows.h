#pragma once
#include "bench/compare.h"
#include "bench/rows.h"

namespace halftone {

/// What the devices of several machines reach in each precision, a row a model, precision and device: the latency of
/// batch 1, the knee, throughput and images a joule there, and how many times the first device's largest throughput its
/// own largest is: that device in FP32, and in whatever precision is its fastest. Our own engine; of several threads
/// and sessions the fastest. The header alone for one machine.
Rows device_rows(const Study& study);

}  // namespace halftone
