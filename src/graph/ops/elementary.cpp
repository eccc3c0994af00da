#include <cmath>

#include "graph/ops/unary.h"

namespace halftone {

HALFTONE_FLOAT_UNARY(Sqrt, , std::sqrt(x))
HALFTONE_FLOAT_UNARY(Exp, , std::exp(x))
HALFTONE_FLOAT_UNARY(Log, , std::log(x))
HALFTONE_FLOAT_UNARY(Erf, , std::erf(x))
HALFTONE_FLOAT_UNARY(Reciprocal, , 1 / x)
HALFTONE_FLOAT_UNARY(Floor, , std::floor(x))
HALFTONE_FLOAT_UNARY(Ceil, , std::ceil(x))
HALFTONE_FLOAT_UNARY(Round, , std::nearbyint(x))  // halves to even

HALFTONE_FLOAT_UNARY(Sin, , std::sin(x))
HALFTONE_FLOAT_UNARY(Cos, , std::cos(x))
HALFTONE_FLOAT_UNARY(Tan, , std::tan(x))
HALFTONE_FLOAT_UNARY(Asin, , std::asin(x))
HALFTONE_FLOAT_UNARY(Acos, , std::acos(x))
HALFTONE_FLOAT_UNARY(Atan, , std::atan(x))
HALFTONE_FLOAT_UNARY(Sinh, , std::sinh(x))
HALFTONE_FLOAT_UNARY(Cosh, , std::cosh(x))
HALFTONE_FLOAT_UNARY(Tanh, , std::tanh(x))
HALFTONE_FLOAT_UNARY(Asinh, , std::asinh(x))
HALFTONE_FLOAT_UNARY(Acosh, , std::acosh(x))
HALFTONE_FLOAT_UNARY(Atanh, , std::atanh(x))

}  // namespace halftone
