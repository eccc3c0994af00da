#pragma once
#include <memory>

#include "cpu/onednn.h"

namespace halftone::cpu::onednn {

/// The three functions of a Kernel row made of one oneDNN primitive. `Form` has
///   using Primitive;
///   static Support accepts(const Problem&)                    what oneDNN need not be asked for
///   static Choice<Primitive> choice(const Problem&)           throws dnnl::error where oneDNN has none
///   static std::vector<Argument> arguments(const Problem&, const typename Primitive::primitive_desc&)
template <typename Form>
struct Row {
  static std::vector<std::string> configs(const Problem& problem, const Backend&) {
    try {
      return Form::choice(problem).implementations();
    } catch (const dnnl::error&) {
      return {};
    }
  }

  static Support supports(const Problem& problem, const Backend& backend) {
    if (const auto answer = Form::accepts(problem); !answer) return answer;
    if (problem.output().shape.count() == 0 || problem.input(0).shape.count() == 0) return Support::no("it is empty");
    if (problem.input(0).dtype == DType::bf16 && !backend.has("avx512")) return Support::no("bf16 needs AVX-512");
    return configs(problem, backend).empty() ? Support::no("oneDNN has only its reference code") : Support::yes();
  }

  static std::unique_ptr<Prepared> prepare(const PrepareContext& context) {
    const PrepareScope scope(context.threads);
    return translated([&]() -> std::unique_ptr<Prepared> {
      const auto desc = choose([&] { return Form::choice(context.problem); }, context.config);
      auto program = std::make_unique<Program>();
      program->add(typename Form::Primitive(desc), desc.scratchpad_desc(), Form::arguments(context.problem, desc));
      program->set_in_place(Form::kInPlace);
      return program;
    });
  }

  static constexpr Kernel kernel(std::string_view name) { return {name, supports, configs, prepare, true}; }
};

/// Yes where input and output are among f32, bf16 and, if wanted, the 8-bit types.
Support has_types(const Problem& problem, bool eight_bit);

/// Argument lists of the usual primitives.
template <typename PrimitiveDesc>
std::vector<Argument> source_and_destination(const PrimitiveDesc& desc) {
  return {{DNNL_ARG_SRC, desc.src_desc(), {Place::input, 0, {}}},
          {DNNL_ARG_DST, desc.dst_desc(), {Place::output, 0, {}}}};
}

/// A rank-4 image by the attribute `layout` (NCHW where absent), in oneDNN's logical order.
dnnl::memory::desc image(const Problem& problem, const TensorType& type);

}  // namespace halftone::cpu::onednn
