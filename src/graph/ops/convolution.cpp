#include "graph/ops/convolution.h"

namespace halftone::ops {

double Convolution::macs() const {
  double taps = 1;
  for (const auto& window : windows) taps *= static_cast<double>(window.kernel);
  return static_cast<double>(y.n) * static_cast<double>(y.c) * static_cast<double>(y.plane) * taps *
         static_cast<double>(x.c / group);
}

Convolution convolution_of(const Attributes& attributes, const Shape& x, const Shape& w) {
  if (x.rank() < 3) fail(Code::invalid_model, "the input {} has no spatial axis", x.text());
  if (w.rank() != x.rank()) fail(Code::invalid_model, "weights {} do not fit the input {}", w.text(), x.text());
  const std::vector<std::int64_t> kernel(w.begin() + 2, w.end());
  if (attributes.has("kernel_shape") && attributes.get_ints("kernel_shape", kernel.size(), 1) != kernel)
    fail(Code::invalid_model, "kernel_shape {} is not that of the weights {}",
         fmt::join(attributes.get_ints("kernel_shape"), "x"), w.text());
  const Image image = image_of({}, x);
  const auto group = attributes.get_int("group", 1);
  if (group < 1 || image.c % group != 0 || w[0] % group != 0)
    fail(Code::invalid_model, "group {} does not divide {} input and {} output channels", group, image.c, w[0]);
  if (w[1] != image.c / group)
    fail(Code::invalid_model, "weights {} do not fit {} channels in {} groups", w.text(), image.c, group);
  const auto windows = windows_of(attributes, image.spatial, kernel);
  return {image, image.with(w[0], outputs_of(windows, kernel.size())), group, windows};
}

std::vector<double> convolve(const Convolution& convolution, std::span<const double> x, std::span<const double> w) {
  const Image& in = convolution.x;
  const Image& out = convolution.y;
  const auto& windows = convolution.windows;
  const std::int64_t group = convolution.group;
  std::vector<double> y(static_cast<std::size_t>(out.shape().count()));
  const std::int64_t c_group = in.c / group;
  const std::int64_t o_group = out.c / group;
  const std::int64_t kernel = windows[0].kernel * windows[1].kernel * windows[2].kernel;
  for_each_output(windows, [&, &in = in, &out = out](std::int64_t position, std::span<const Tap> taps) {
    for (std::int64_t n = 0; n < out.n; ++n)
      for (std::int64_t o = 0; o < out.c; ++o) {
        double sum = 0;
        for (std::int64_t c = 0; c < c_group; ++c) {
          const double* pixels = x.data() + in.at(n, o / o_group * c_group + c, 0);
          const double* weights = w.data() + (o * c_group + c) * kernel;
          for (const auto& tap : taps) sum += pixels[tap.position] * weights[tap.kernel];
        }
        y[out.at(n, o, position)] = sum;
      }
  });
  return y;
}

double convolution_flops(const Problem& problem, std::size_t x, std::size_t w) {
  return 2 * convolution_of(problem.attributes, problem.input(x).shape, problem.input(w).shape).macs();
}

}  // namespace halftone::ops
