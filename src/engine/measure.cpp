#include "engine/measure.h"

#include <random>

#include "base/clock.h"
#include "base/interrupt.h"

namespace halftone {

std::vector<double> measure_latency(Session& session, std::int64_t batch, const MeasureOptions& options) {
  const Program& program = session.engine().program(batch);
  std::mt19937 random(static_cast<unsigned>(batch));
  std::normal_distribution<float> normal;
  std::vector<Tensor> inputs, outputs;
  for (const auto& port : program.inputs) {
    Tensor values(DType::f32, port.type.shape);
    for (auto& value : values.data<float>()) value = normal(random);
    inputs.push_back(port.type.dtype == DType::f32 ? values : values.to(port.type.dtype));
  }
  for (const auto& port : program.outputs) outputs.emplace_back(port.type);
  auto& backend = *session.engine().backend();
  if (!backend.host_memory() && !options.with_copies) {
    const auto stream = backend.new_stream();
    for (auto* list : {&inputs, &outputs})
      for (auto& tensor : *list) {
        Tensor there(tensor.type(), backend.allocate(tensor.bytes()));
        backend.copy(there.raw(), tensor.raw(), tensor.bytes(), *stream);
        stream->synchronize();
        tensor = there;
      }
  }

  const double start = now_seconds();
  for (int i = 0; i < options.warm_up; ++i) {
    check_interrupted();
    session.run(inputs, outputs);
    if (i >= 1 && now_seconds() - start > options.most_seconds / 4) break;
  }
  std::vector<double> milliseconds;
  milliseconds.reserve(static_cast<std::size_t>(options.iterations));
  const double begin = now_seconds();
  while (static_cast<int>(milliseconds.size()) < options.iterations) {
    check_interrupted();
    const double before = now_seconds();
    session.run(inputs, outputs);
    const double last = now_seconds() - before;
    milliseconds.push_back(last * 1e3);
    if (static_cast<int>(milliseconds.size()) >= options.fewest && now_seconds() + last - begin > options.most_seconds)
      break;
  }
  return milliseconds;
}

}  // namespace halftone
