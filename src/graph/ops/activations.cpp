#include <algorithm>
#include <cmath>

#include "graph/ops/unary.h"

namespace halftone {

extern const Op op_Relu;
const Op op_Relu{.name = "Relu",
                 .infer =
                     [](InferContext& context) {
                       ops::require_dtype(context, 0, ops::kFloats | ops::kSigned);
                       ops::infer_same(context);
                     },
                 .reference =
                     [](const ReferenceContext& context) {
                       ops::map_number(context, [](auto x) { return x < 0 ? decltype(x){0} : x; });
                     }};

namespace {

double softplus(double x) { return std::log1p(std::exp(-std::abs(x))) + std::max(x, 0.0); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double gelu(double x, bool by_tanh) {
  constexpr double kSqrtHalf = 0.70710678118654752440, kSqrtTwoOverPi = 0.79788456080286535588;
  if (by_tanh) return 0.5 * x * (1 + std::tanh(kSqrtTwoOverPi * (x + 0.044715 * x * x * x)));
  return 0.5 * x * (1 + std::erf(x * kSqrtHalf));
}

void infer_gelu(InferContext& context) {
  ops::require_dtype(context, 0, ops::kFloats);
  const auto approximate = context.attributes.get_string("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    fail(Code::invalid_model, "approximate is none or tanh, not '{}'", approximate);
  ops::infer_same(context);
}

}  // namespace

extern const Op op_Gelu;
const Op op_Gelu{.name = "Gelu", .infer = infer_gelu, .reference = [](const ReferenceContext& context) {
                   const bool by_tanh = context.attributes.get_string("approximate", "none") == "tanh";
                   ops::map_float(context, [=](double x) { return gelu(x, by_tanh); });
                 }};

// Formulas and default parameters: ONNX operator schemas.
HALFTONE_FLOAT_UNARY(Sigmoid, , sigmoid(x))
HALFTONE_FLOAT_UNARY(LeakyRelu, const double alpha = attributes.get_float("alpha", 0.01), x < 0 ? alpha * x : x)
HALFTONE_FLOAT_UNARY(Elu, const double alpha = attributes.get_float("alpha", 1), x < 0 ? alpha * std::expm1(x) : x)
HALFTONE_FLOAT_UNARY(Selu, const double alpha = attributes.get_float("alpha", 1.67326319217681884765625);
                     const double gamma = attributes.get_float("gamma", 1.05070102214813232421875),
                     gamma*(x <= 0 ? alpha * std::expm1(x) : x))
HALFTONE_FLOAT_UNARY(Celu, const double alpha = attributes.get_float("alpha", 1),
                     x < 0 ? alpha * std::expm1(x / alpha) : x)
HALFTONE_FLOAT_UNARY(HardSigmoid, const double alpha = attributes.get_float("alpha", 0.2);
                     const double beta = attributes.get_float("beta", 0.5), std::clamp(alpha* x + beta, 0.0, 1.0))
HALFTONE_FLOAT_UNARY(HardSwish, , x* std::clamp(x / 6 + 0.5, 0.0, 1.0))
HALFTONE_FLOAT_UNARY(Mish, , x* std::tanh(softplus(x)))
HALFTONE_FLOAT_UNARY(Softplus, , softplus(x))
HALFTONE_FLOAT_UNARY(Softsign, , x / (1 + std::abs(x)))
HALFTONE_FLOAT_UNARY(ThresholdedRelu, const double alpha = attributes.get_float("alpha", 1), x > alpha ? x : 0)

}  // namespace halftone
