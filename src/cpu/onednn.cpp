#include "cpu/onednn.h"

#include <omp.h>

#include <cstring>

namespace halftone::cpu::onednn {
namespace {

struct StepState {
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> arguments;
};

struct State : KernelState {
  dnnl::stream stream{engine()};
  std::vector<StepState> steps;
};

void check(dnnl_status_t status, const char* what) {
  if (status != dnnl_success) fail(Code::device, "oneDNN: {} failed with status {}", what, static_cast<int>(status));
}

void* address(const Place& place, const RunArgs& args) {
  switch (place.kind) {
    case Place::input: return const_cast<void*>(args.inputs[place.index]);
    case Place::output: return args.outputs[place.index];
    case Place::workspace: return static_cast<std::byte*>(args.workspace) + place.index;
    case Place::packed: return place.tensor.raw();
  }
  return nullptr;
}

}  // namespace

void cap_isa(Isa cap) {
  if (cap == Isa::avx2) dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
  if (cap == Isa::avx512) dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx512_core_bf16);
}

const dnnl::engine& engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

std::optional<dnnl::memory::data_type> data_type(DType dtype) {
  switch (dtype) {
    case DType::f32: return dnnl::memory::data_type::f32;
    case DType::bf16: return dnnl::memory::data_type::bf16;
    case DType::i8: return dnnl::memory::data_type::s8;
    case DType::u8: return dnnl::memory::data_type::u8;
    case DType::i32: return dnnl::memory::data_type::s32;
    default: return std::nullopt;
  }
}

dnnl::memory::desc row_major(const TensorType& type) {
  dnnl::memory::dims dims = type.shape.dims();
  dnnl::memory::dims strides = strides_of(type.shape);
  if (dims.empty()) dims = strides = {1};
  return {dims, *data_type(type.dtype), strides};
}

dnnl::memory::desc nhwc(const TensorType& type) {
  const Shape& s = type.shape;
  return {{s[0], s[3], s[1], s[2]}, *data_type(type.dtype), dnnl::memory::format_tag::nhwc};
}

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

bool not_reference(std::string_view implementation) {
  return implementation.find("ref") == std::string_view::npos &&
         implementation.find("simple") == std::string_view::npos;
}

void copy_bytes(void* to, const void* from, std::size_t bytes) {
  constexpr std::size_t kChunk = std::size_t{64} << 10;
  const auto chunks = static_cast<std::ptrdiff_t>((bytes + kChunk - 1) / kChunk);
#pragma omp parallel for if (chunks > 1)
  for (std::ptrdiff_t i = 0; i < chunks; ++i) {
    const std::size_t at = static_cast<std::size_t>(i) * kChunk;
    std::memcpy(static_cast<std::byte*>(to) + at, static_cast<const std::byte*>(from) + at,
                std::min(kChunk, bytes - at));
  }
}

PrepareScope::PrepareScope(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(std::max(1, threads)); }

PrepareScope::~PrepareScope() { omp_set_num_threads(before_); }

Place Program::reserve(std::size_t bytes) {
  const Place place{Place::workspace, workspace_, {}};
  workspace_ += (bytes + 63) / 64 * 64;
  return place;
}

void Program::add(const dnnl::primitive& primitive, const dnnl::memory::desc& scratchpad,
                  std::vector<Argument> arguments) {
  if (scratchpad.get_size() > 0) arguments.push_back({DNNL_ARG_SCRATCHPAD, scratchpad, reserve(scratchpad.get_size())});
  steps_.push_back({primitive, std::move(arguments), nullptr});
}

void Program::add(std::function<void(const RunArgs&)> function) { steps_.push_back({{}, {}, std::move(function)}); }

std::unique_ptr<KernelState> Program::make_state() const {
  auto state = std::make_unique<State>();
  state->steps.resize(steps_.size());
  for (std::size_t i = 0; i < steps_.size(); ++i)
    for (const auto& argument : steps_[i].arguments) {
      auto& step = state->steps[i];
      step.memories.push_back({argument.desc, engine(), DNNL_MEMORY_NONE});
      step.arguments.push_back({argument.name, step.memories.back().get()});
    }
  return state;
}

void Program::run(const RunArgs& args) const {
  auto& state = static_cast<State&>(*args.state);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    if (step.function) {
      step.function(args);
      continue;
    }
    auto& objects = state.steps[i];
    for (std::size_t k = 0; k < step.arguments.size(); ++k)
      check(dnnl_memory_set_data_handle(objects.memories[k].get(), address(step.arguments[k].place, args)), "binding");
    check(dnnl_primitive_execute(step.primitive.get(), state.stream.get(), static_cast<int>(objects.arguments.size()),
                                 objects.arguments.data()),
          "a primitive");
  }
}

Tensor bytes_tensor(std::size_t bytes) { return Tensor(DType::u8, Shape{static_cast<std::int64_t>(bytes)}); }

Tensor pack(const PrepareContext& context, const Tensor& source, const dnnl::memory::desc& from,
            const dnnl::memory::desc& to, const std::string& variant) {
  std::string key = "onednn " + variant;
  key.append(reinterpret_cast<const char*>(&to.data), sizeof to.data);
  return context.weights.get(source, key, [&] {
    Tensor packed = bytes_tensor(to.get_size());
    dnnl::memory a(from, engine(), source.raw());
    dnnl::memory b(to, engine(), packed.raw());
    dnnl::stream stream(engine());
    dnnl::reorder(a, b).execute(stream, a, b);
    stream.wait();
    return packed;
  });
}

}  // namespace halftone::cpu::onednn
