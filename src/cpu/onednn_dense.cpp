#include "cpu/onednn_conv.h"

// FusedConv as a matrix product: rows are pixels (matmul) or whole images (inner product).
namespace halftone::cpu {
namespace {

using namespace onednn;

struct Matrix {
  std::int64_t rows, depth, columns;
};

TensorType plane(DType dtype, std::int64_t rows, std::int64_t columns) { return {dtype, Shape{rows, columns}}; }

dnnl::memory::desc residual_desc(const FusedConv& conv, const Matrix& m) {
  return conv.has_residual ? row_major(plane(conv.residual_type, m.rows, m.columns)) : dnnl::memory::desc();
}

struct MatrixProduct {
  using Primitive = dnnl::matmul;
  static constexpr const char* kRefusal = "not a 1x1 convolution of stride 1";
  static bool fits(const FusedConv& c) { return c.pointwise() && c.stride_h == 1 && c.stride_w == 1 && c.group == 1; }
  static Matrix matrix(const FusedConv& c) { return {c.n * c.oh * c.ow, c.c, c.o}; }
  static dnnl::memory::desc plain_weights(const FusedConv& c, const Matrix& m) {
    return {{m.depth, m.columns}, *data_type(c.w_type), dnnl::memory::dims{1, m.depth}};
  }
  static TensorType bias(const Matrix& m) { return plane(DType::f32, 1, m.columns); }
  static Choice<Primitive> choice(const FusedConv& c, const Matrix& m, const ConvEpilogue& epilogue) {
    const auto x = row_major(plane(c.x_type, m.rows, m.depth)), y = row_major(plane(c.y_type, m.rows, m.columns));
    const dnnl::memory::desc w({m.depth, m.columns}, *data_type(c.w_type), dnnl::memory::format_tag::any);
    if (epilogue.bias.empty()) return {{x, w, y}, epilogue.attributes};
    return {{x, w, row_major(bias(m)), y}, epilogue.attributes};
  }
};

struct InnerProduct {
  using Primitive = dnnl::inner_product_forward;
  static constexpr const char* kRefusal = "the kernel does not cover the whole input";
  static bool fits(const FusedConv& c) {
    return c.kh == c.h && c.kw == c.w && c.oh == 1 && c.ow == 1 && c.group == 1 &&
           c.pad_top + c.pad_left + c.pad_bottom + c.pad_right == 0;
  }
  static Matrix matrix(const FusedConv& c) { return {c.n, c.h * c.w * c.c, c.o}; }
  static dnnl::memory::desc plain_weights(const FusedConv& c, const Matrix& m) {
    return row_major(plane(c.w_type, m.columns, m.depth));
  }
  static TensorType bias(const Matrix& m) { return {DType::f32, Shape{m.columns}}; }
  static Choice<Primitive> choice(const FusedConv& c, const Matrix& m, const ConvEpilogue& epilogue) {
    const auto x = row_major(plane(c.x_type, m.rows, m.depth)), y = row_major(plane(c.y_type, m.rows, m.columns));
    const dnnl::memory::desc w({m.columns, m.depth}, *data_type(c.w_type), dnnl::memory::format_tag::any);
    const auto kind = dnnl::prop_kind::forward_inference;
    if (epilogue.bias.empty()) return {{kind, x, w, y}, epilogue.attributes};
    return {{kind, x, w, row_major(bias(m)), y}, epilogue.attributes};
  }
};

bool exact(std::string_view name) { return exact_int8(name) || name.find("gemm") != std::string_view::npos; }

template <typename Form>
std::vector<std::string> configs(const Problem& problem, const Backend&) {
  const FusedConv conv = fused_conv_of(problem);
  const Matrix m = Form::matrix(conv);
  try {
    const auto after = epilogue(conv, stand_ins(conv), residual_desc(conv, m), ProductKind::matrix);
    return newest(Form::choice(conv, m, after).implementations(conv.is_int8() ? exact : not_reference));
  } catch (const dnnl::error&) {
    return {};
  }
}

template <typename Form>
Support supports(const Problem& problem, const Backend& backend) {
  if (problem.op != "FusedConv") return Support::no("not a FusedConv");
  const FusedConv conv = fused_conv_of(problem);
  if (!Form::fits(conv)) return Support::no(Form::kRefusal);
  if (const auto refusal = refuses(problem, conv, backend); !refusal) return refusal;
  if (conv.has_residual && size_of(conv.residual_type) > size_of(conv.y_type))
    return Support::no("oneDNN 2.6's matrix products misread a residual wider than the output");
  return configs<Form>(problem, backend).empty() ? Support::no("oneDNN has only its reference code") : Support::yes();
}

template <typename Form>
std::unique_ptr<Prepared> prepare(const PrepareContext& context) {
  const PrepareScope scope(context.threads);
  const FusedConv conv = fused_conv_of(context.problem);
  const Matrix m = Form::matrix(conv);
  return translated([&]() -> std::unique_ptr<Prepared> {
    const auto residual = residual_desc(conv, m);
    const ConvEpilogue after = epilogue(conv, read_constants(conv, context.constants), residual, ProductKind::matrix);
    const auto desc =
        choose([&] { return Form::choice(conv, m, after); }, context.config, conv.is_int8() ? exact : not_reference);
    auto program = std::make_unique<Program>();
    std::vector<Argument> arguments{
        {DNNL_ARG_SRC, desc.src_desc(), {Place::input, FusedConv::kX, {}}},
        {DNNL_ARG_WEIGHTS,
         desc.weights_desc(),
         {Place::packed, 0,
          pack(context, context.constants[FusedConv::kW], Form::plain_weights(conv, m), desc.weights_desc())}}};
    bind_epilogue(*program, context, conv, after, desc.dst_desc(), residual, row_major(Form::bias(m)), arguments);
    program->add(typename Form::Primitive(desc), desc.scratchpad_desc(), std::move(arguments));
    return program;
  });
}

}  // namespace

extern const Kernel kernel_onednn_matmul_conv, kernel_onednn_inner_product;
const Kernel kernel_onednn_matmul_conv{.name = "onednn.conv_matmul",
                                       .supports = supports<MatrixProduct>,
                                       .configs = configs<MatrixProduct>,
                                       .prepare = prepare<MatrixProduct>};
const Kernel kernel_onednn_inner_product{.name = "onednn.inner_product",
                                         .supports = supports<InnerProduct>,
                                         .configs = configs<InnerProduct>,
                                         .prepare = prepare<InnerProduct>};

}  // namespace halftone::cpu
