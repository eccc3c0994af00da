#pragma once

namespace halftone {

/// Makes Ctrl-C and SIGTERM set a flag instead of killing the process; a second signal kills. Called once, from main.
void install_interrupt_handler();

/// True after the first signal.
bool interrupted();

/// Throws Error{cancelled} after a signal. Long loops call it once an iteration.
void check_interrupted();

}  // namespace halftone
