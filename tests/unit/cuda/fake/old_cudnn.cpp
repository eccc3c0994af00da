#include <cstddef>

// A library that says it is cuDNN 8.9.4.
extern "C" std::size_t cudnnGetVersion() { return 8904; }
