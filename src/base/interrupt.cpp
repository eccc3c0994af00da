#include "base/interrupt.h"

#include <csignal>

#include "base/error.h"

namespace halftone {
namespace {

volatile std::sig_atomic_t signal_received = 0;

void on_signal(int signal) {
  if (signal_received) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  signal_received = 1;
}

}  // namespace

void install_interrupt_handler() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool interrupted() { return signal_received != 0; }

void check_interrupted() {
  if (interrupted()) fail(Code::cancelled, "interrupted");
}

}  // namespace halftone
