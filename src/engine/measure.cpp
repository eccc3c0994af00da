#include "engine/measure.h"

#include <memory>
#include <random>

namespace halftone {

std::function<void()> random_run(Session& session, std::int64_t batch, bool with_copies) {
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
  if (!backend.host_memory() && !with_copies) {
    const auto stream = backend.new_stream();
    for (auto* list : {&inputs, &outputs})
      for (auto& tensor : *list) {
        Tensor there(tensor.type(), backend.allocate(tensor.bytes()));
        backend.copy(there.raw(), tensor.raw(), tensor.bytes(), *stream);
        stream->synchronize();
        tensor = there;
      }
  }
  return
      [&session, inputs = std::move(inputs), outputs = std::move(outputs)]() mutable { session.run(inputs, outputs); };
}

}  // namespace halftone
