#pragma once
#include <string>

#include "bench/rows.h"

namespace halftone {

/// What several devices together reach beside the first of them alone, in the same model, engine, precision, batch and
/// sessions a device: the ratio of the throughputs, and the efficiency, which is that ratio over the number of devices.
/// The header alone where no set was measured together with its first device.
Rows scaling_rows(const Results& results, const std::string& model);

}  // namespace halftone
