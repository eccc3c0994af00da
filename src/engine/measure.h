#pragma once
#include <cstdint>
#include <functional>

#include "engine/session.h"

namespace halftone {

/// One run of the program for `batch` on inputs of its own (seeded random, on the host), for measuring. The session
/// must outlive it.
std::function<void()> random_run(Session& session, std::int64_t batch);

}  // namespace halftone
