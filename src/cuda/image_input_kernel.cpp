#include "graph/image_input.h"

#include <algorithm>

#include "cuda/cuda_error.h"
#include "cuda/fused_conv_setup.h"
#include "cuda/image_input.h"

// Pictures on their way into the first convolution.
namespace halftone::cuda {
namespace {

Support supports(const Problem& problem, const Backend&) {
  if (problem.op != "ImageInput") return Support::no("not an ImageInput");
  for (std::size_t i = 1; i < problem.inputs.size(); ++i)
    if (problem.has(i) && !problem.constant(i)) return Support::no("factors that are not constant");
  const ImageInput image = image_input_of(problem);
  if (image.c != 1 && image.c != 3 && image.c != 4) return Support::no(fmt::format("{} channels", image.c));
  return problem.output().shape.count() == 0 ? Support::no("it is empty") : Support::yes();
}

class Program : public Prepared {
 public:
  explicit Program(const PrepareContext& context) {
    const ImageInput image = image_input_of(context.problem);
    p_.from = element_of(image.from);
    p_.to = element_of(image.to);
    p_.channels_last = image.channels_last;
    p_.batch = image.n;
    p_.plane = image.h * image.w;
    p_.channels = static_cast<int>(image.c);
    const auto take = [&](std::size_t input, float* to) {
      if (!context.problem.has(input)) return;
      const auto values = context.constants[input].data<float>();
      std::copy(values.begin(), values.end(), to);
    };
    take(ImageInput::kMultiply, p_.multiply);
    take(ImageInput::kAdd, p_.add);
    take(ImageInput::kScale, &p_.scale);
    if (context.problem.has(ImageInput::kZero))
      p_.zero = static_cast<float>(context.constants[ImageInput::kZero].to_doubles()[0]);
  }
  bool reads_constant(std::size_t) const override { return false; }
  void run(const RunArgs& args) const override {
    ImageInputParams p = p_;
    p.input = args.inputs[0];
    p.output = args.outputs[0];
    check(image_input(p, raw(args.stream)), "cuda.image");
  }

 private:
  ImageInputParams p_;
};

}  // namespace

extern const Kernel kernel_image_input;
const Kernel kernel_image_input{
    "cuda.image", supports, [](const Problem&, const Backend&) { return std::vector<std::string>{""}; },
    [](const PrepareContext& context) -> std::unique_ptr<Prepared> { return std::make_unique<Program>(context); }};

}  // namespace halftone::cuda
