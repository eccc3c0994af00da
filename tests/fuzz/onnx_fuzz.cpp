#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "graph/symbolic.h"
#include "onnx/reader.h"
#include "onnx/writer.h"

// Bytes as an ONNX model: whatever is not one must be refused with an Error. What is read is shown at another batch
// size and written again, which must read back. Files outside are not followed, and nothing is computed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLargest = std::size_t{1} << 16;
  if (size > kLargest) return 0;
  try {
    halftone::Graph graph = halftone::parse_onnx({reinterpret_cast<const char*>(data), size}, "");
    const std::string written = halftone::serialize_onnx(graph);
    (void)halftone::parse_onnx(written, "");
    (void)halftone::output_dim_names(graph);
    halftone::set_batch(graph, 3);
  } catch (const halftone::Error&) {
  }
  return 0;
}
