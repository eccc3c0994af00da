#pragma once
#include <map>
#include <random>
#include <string>

#include "graph/text.h"
#include "quant/product.h"
#include "quant/quantize.h"
#include "quant/sensitivity.h"
#include "tests/unit/quant/pictures.h"

namespace halftone::tests {

/// A small network of ResNet-18's kind for gray pictures of 32 by 32: a stem, a pool, a block, one that halves the
/// picture, a classifier.
inline Graph residual_network() {
  return parse_graph(R"(graph residual
input x f32:Nx1x32x32
const w0 f32:64x1x7x7 random(1)
const b0 f32:64 random(2)
const w1 f32:64x64x3x3 random(3)
const w2 f32:64x64x3x3 random(4)
const b2 f32:64 random(5)
const w3 f32:128x64x3x3 random(6)
const w4 f32:128x128x3x3 random(7)
const w5 f32:128x64x1x1 random(8)
const w6 f32:10x128 random(9)
c0 = Conv(x, w0, b0) pads=3*4 strides=2*2
r0 = Relu(c0)
p = MaxPool(r0) kernel_shape=3,3 strides=2,2 pads=1*4
c1 = Conv(p, w1) pads=1*4
r1 = Relu(c1)
c2 = Conv(r1, w2, b2) pads=1*4
s2 = Add(c2, p)
r2 = Relu(s2)
c3 = Conv(r2, w3) pads=1*4 strides=2*2
r3 = Relu(c3)
c4 = Conv(r3, w4) pads=1*4
c5 = Conv(r2, w5) strides=2*2
s4 = Add(c4, c5)
r4 = Relu(s4)
g = GlobalAveragePool(r4)
v = Flatten(g) axis=1
y = Gemm(v, w6) transB=1
output y
)");
}

inline CalibratedModel calibrated_network(const std::shared_ptr<Backend>& backend, bool fp8) {
  QuantizeOptions options{.symmetric = true, .fp8 = fp8, .equalize = false, .threads = 2};
  return calibrate(residual_network(), backend, random_pictures(8, 32, 5), gray(32), options);
}

/// The network with each layer in 8 or in 16 bits, as the bits of `which` say.
inline Graph mix_of(const CalibratedModel& model, unsigned which, Precision half) {
  std::map<std::string, Precision> precisions;
  for (const auto& name : products_of(model.graph)) {
    precisions[name] = (which & 1) != 0 ? half : model.lowest();
    which >>= 1;
  }
  return mixed_graph(model, precisions);
}

}  // namespace halftone::tests
