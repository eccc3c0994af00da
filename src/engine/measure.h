#pragma once
#include <cstdint>
#include <functional>

#include "engine/session.h"

namespace halftone {

/// One run of the program for `batch` on inputs of its own (seeded random), for measuring. The session must outlive it.
/// On a device with memory of its own they lie there, unless `with_copies`: then each run brings its inputs from the
/// host and its outputs back.
std::function<void()> random_run(Session& session, std::int64_t batch, bool with_copies = false);

}  // namespace halftone
