#include "engine/session.h"

#include <algorithm>

#include "base/clock.h"

namespace halftone {

struct Session::Bound {
  const Program* program = nullptr;
  struct Call {
    const Prepared* prepared = nullptr;
    std::unique_ptr<KernelState> state;
    std::vector<const void*> inputs;
    std::vector<void*> outputs;
    std::size_t copy_bytes = 0;
  };
  /// A pointer of a call that follows a port.
  struct Patch {
    std::size_t call, operand;
    bool is_output;    ///< which list of the call
    bool from_output;  ///< which ports it follows
    std::size_t port;
  };
  std::vector<Call> calls;
  std::vector<Patch> patches;
  std::vector<Tensor> outputs;  ///< of the session's own, host
  std::vector<std::shared_ptr<Buffer>> staged_inputs,
      staged_outputs;  ///< device copies, where the device has its own memory
  int steady = 0;      ///< runs since a pointer last changed
  std::unique_ptr<Recording> recording;
};

Session::Session(std::shared_ptr<const Engine> engine)
    : engine_(std::move(engine)), stream_(engine_->backend()->new_stream()) {
  std::size_t arena = 64, workspace = 64;
  for (const auto batch : engine_->batches()) {
    arena = std::max(arena, engine_->program(batch).arena_bytes);
    workspace = std::max(workspace, engine_->program(batch).workspace_bytes);
  }
  arena_ = engine_->backend()->allocate(arena);
  workspace_ = engine_->backend()->allocate(workspace);
}

Session::~Session() {
  try {
    if (stream_) stream_->synchronize();
  } catch (const Error&) {
    // The device failed; whoever ran last was told.
  }
}

Session::Bound& Session::bound(std::int64_t batch) {
  for (const auto& item : bounds_)
    if (item->program->batch == batch) return *item;
  auto fresh = std::make_unique<Bound>();
  fresh->program = &engine_->program(batch);
  for (const auto& step : fresh->program->steps) {
    Bound::Call call;
    call.prepared = step.prepared.get();
    if (call.prepared) call.state = call.prepared->make_state();
    else call.copy_bytes = step.problem.output().bytes();
    const auto address = [&](const Slot& slot, std::size_t operand, bool is_output) -> void* {
      switch (slot.kind) {
        case Slot::Kind::absent: return nullptr;
        case Slot::Kind::constant: return fresh->program->constants[slot.index].raw();
        case Slot::Kind::arena: return static_cast<std::byte*>(arena_->data()) + slot.index;
        default:
          fresh->patches.push_back(
              {fresh->calls.size(), operand, is_output, slot.kind == Slot::Kind::output, slot.index});
          return nullptr;
      }
    };
    for (std::size_t i = 0; i < step.inputs.size(); ++i) call.inputs.push_back(address(step.inputs[i], i, false));
    for (std::size_t i = 0; i < step.outputs.size(); ++i) call.outputs.push_back(address(step.outputs[i], i, true));
    fresh->calls.push_back(std::move(call));
  }
  auto& backend = *engine_->backend();
  if (!backend.host_memory()) {
    for (const auto& port : fresh->program->inputs) fresh->staged_inputs.push_back(backend.allocate(port.type.bytes()));
    for (const auto& port : fresh->program->outputs)
      fresh->staged_outputs.push_back(backend.allocate(port.type.bytes()));
  }
  bounds_.push_back(std::move(fresh));
  return *bounds_.back();
}

namespace {

void check_count(std::size_t given, std::size_t wanted, const char* what) {
  if (given != wanted) fail(Code::invalid_argument, "the model has {} {}s, {} given", wanted, what, given);
}

void check_ports(std::span<const Tensor> tensors, const std::vector<Port>& ports, const char* what) {
  check_count(tensors.size(), ports.size(), what);
  for (std::size_t i = 0; i < ports.size(); ++i)
    if (!tensors[i].defined() || tensors[i].type() != ports[i].type)
      fail(Code::invalid_argument, "{} '{}' is {}, the model wants {}", what, ports[i].name,
           tensors[i].defined() ? tensors[i].type().text() : "absent", ports[i].type.text());
}

}  // namespace

bool Session::place(Bound& bound, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  auto& backend = *engine_->backend();
  const bool staged = !backend.host_memory();
  bool moved = false;
  if (staged)
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].buffer()->on_host())
        backend.copy(bound.staged_inputs[i]->data(), inputs[i].raw(), inputs[i].bytes(), *stream_);
  for (const auto& patch : bound.patches) {
    const Tensor& tensor = patch.from_output ? outputs[patch.port] : inputs[patch.port];
    void* pointer = tensor.raw();
    if (staged && tensor.buffer()->on_host())
      pointer = (patch.from_output ? bound.staged_outputs : bound.staged_inputs)[patch.port]->data();
    auto& call = bound.calls[patch.call];
    if (patch.is_output) {
      moved |= call.outputs[patch.operand] != pointer;
      call.outputs[patch.operand] = pointer;
    } else {
      moved |= call.inputs[patch.operand] != pointer;
      call.inputs[patch.operand] = pointer;
    }
  }
  return moved;
}

void Session::execute(Bound& bound) {
  auto& backend = *engine_->backend();
  const auto work = [&] {
    for (auto& call : bound.calls) {
      if (call.prepared)
        call.prepared->run({call.inputs, call.outputs, workspace_->data(), call.state.get(), stream_.get()});
      else backend.copy(call.outputs[0], call.inputs[0], call.copy_bytes, *stream_);
    }
  };
  // The first run with these pointers lets libraries settle, the second shows that they are going to stay.
  constexpr int kRecordAt = 1;
  if (bound.steady == kRecordAt) bound.recording = backend.record(*stream_, work);
  if (bound.steady <= kRecordAt) ++bound.steady;
  if (bound.recording) bound.recording->replay(*stream_);
  else work();
}

std::span<Tensor> Session::own_outputs(Bound& bound) {
  if (bound.outputs.empty())
    for (const auto& port : bound.program->outputs) bound.outputs.emplace_back(port.type);
  return bound.outputs;
}

namespace {

std::int64_t batch_of(const Engine& engine, std::span<const Tensor> inputs) {
  // Which program: by the first input that has a batch; a wrong shape is reported against the only or the first
  // program.
  const auto batches = engine.batches();
  check_count(inputs.size(), engine.program(batches.front()).inputs.size(), "input");
  for (const auto& tensor : inputs)
    if (tensor.defined() && tensor.shape().rank() > 0) {
      for (const auto batch : batches)
        if (engine.program(batch).inputs[static_cast<std::size_t>(&tensor - inputs.data())].type.shape ==
            tensor.shape())
          return batch;
      break;
    }
  return batches.front();
}

}  // namespace

void Session::run(std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  auto& backend = *engine_->backend();
  backend.use_threads(engine_->threads());
  Bound* known = nullptr;
  for (const auto& item : bounds_)
    if (!inputs.empty() && inputs[0].defined() && inputs[0].type() == item->program->inputs[0].type) known = item.get();
  Bound& now = known ? *known : bound(batch_of(*engine_, inputs));
  check_ports(inputs, now.program->inputs, "input");
  if (outputs.empty()) outputs = own_outputs(now);
  check_ports(outputs, now.program->outputs, "output");
  if (place(now, inputs, outputs)) {
    now.recording.reset();
    now.steady = 0;
  }
  execute(now);
  if (!backend.host_memory())
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].buffer()->on_host())
        backend.copy(outputs[i].raw(), now.staged_outputs[i]->data(), outputs[i].bytes(), *stream_);
  stream_->synchronize();
}

std::span<const Tensor> Session::run(std::span<const Tensor> inputs) {
  run(inputs, {});
  for (const auto& item : bounds_)
    if (!item->outputs.empty() && item->program->inputs[0].type == inputs[0].type()) return item->outputs;
  return {};
}

std::vector<std::vector<double>> Session::profile(std::span<const Tensor> inputs, int iterations) {
  run(inputs, {});
  auto& backend = *engine_->backend();
  Bound& now = bound(batch_of(*engine_, inputs));
  place(now, inputs, own_outputs(now));
  std::vector<std::vector<double>> seconds(now.calls.size());
  for (int iteration = 0; iteration < iterations; ++iteration)
    for (std::size_t i = 0; i < now.calls.size(); ++i) {
      auto& call = now.calls[i];
      seconds[i].push_back(backend.seconds(*stream_, [&] {
        if (call.prepared)
          call.prepared->run({call.inputs, call.outputs, workspace_->data(), call.state.get(), stream_.get()});
        else backend.copy(call.outputs[0], call.inputs[0], call.copy_bytes, *stream_);
      }));
    }
  return seconds;
}

}  // namespace halftone
