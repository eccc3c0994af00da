#include <cstring>

#include "cpu/parallel.h"
#include "cpu/plain.h"

// Concat and Split: runs of bytes between one tensor and its parts.
namespace halftone::cpu {
namespace {

using namespace plain;

/// Part k is bytes [begin[k], begin[k + 1]) of each of the whole's `outer` runs.
struct Parts {
  std::int64_t outer = 1;
  std::vector<std::int64_t> begin{0};
};

Parts parts_of(const Problem& problem) {
  const bool joins = problem.op == "Concat";
  const TensorType& whole = joins ? problem.output() : problem.input(0);
  const auto axis = normalize_axis(problem.attributes.get_int("axis", 0), whole.shape.rank());
  Parts parts;
  std::int64_t inner = static_cast<std::int64_t>(size_of(whole.dtype));
  for (std::size_t i = 0; i < axis; ++i) parts.outer *= whole.shape[i];
  for (std::size_t i = axis + 1; i < whole.shape.rank(); ++i) inner *= whole.shape[i];
  const std::size_t count = joins ? problem.inputs.size() : problem.outputs.size();
  for (std::size_t k = 0; k < count; ++k)
    parts.begin.push_back(parts.begin.back() + (joins ? problem.input(k) : problem.output(k)).shape[axis] * inner);
  return parts;
}

Support supports(const Problem& problem, const Backend&) {
  if (problem.op != "Concat" && problem.op != "Split") return Support::no("neither Concat nor Split");
  for (const auto& output : problem.outputs)
    if (!output.known()) return Support::no("an output is not wanted");
  return Support::yes();
}

std::unique_ptr<Prepared> prepare(const PrepareContext& context) {
  return std::make_unique<Function>([parts = parts_of(context.problem),
                                     joins = context.problem.op == "Concat"](const RunArgs& args) {
    const std::size_t count = parts.begin.size() - 1;
    const std::int64_t run = parts.begin.back();
    const std::int64_t chunk = std::max<std::int64_t>(1, 32768 / std::max<std::int64_t>(1, run));
    in_chunks(
        parts.outer,
        [&](std::int64_t first, std::int64_t last) {
          for (std::size_t k = 0; k < count; ++k) {
            const std::int64_t begin = parts.begin[k], length = parts.begin[k + 1] - begin;
            if (length == 0) continue;
            for (std::int64_t i = first; i < last; ++i) {
              if (joins)
                std::memcpy(static_cast<char*>(args.outputs[0]) + i * run + begin,
                            static_cast<const char*>(args.inputs[k]) + i * length, static_cast<std::size_t>(length));
              else
                std::memcpy(static_cast<char*>(args.outputs[k]) + i * length,
                            static_cast<const char*>(args.inputs[0]) + i * run + begin,
                            static_cast<std::size_t>(length));
            }
          }
        },
        chunk);
  });
}

}  // namespace

extern const Kernel kernel_plain_concat;
const Kernel kernel_plain_concat{"plain.concat", supports, one_config, prepare};

}  // namespace halftone::cpu
