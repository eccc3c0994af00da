#include "cuda/cuda_error.h"
#include "cuda/fused_conv_setup.h"
#include "cuda/pool.h"
#include "graph/ops/window.h"

// MaxPool, AveragePool and GlobalAveragePool on NHWC images.
namespace halftone::cuda {
namespace {

bool is_global(const Problem& problem) { return problem.op == "GlobalAveragePool"; }

Support supports(const Problem& problem, const Backend&) {
  if (problem.op != "MaxPool" && problem.op != "AveragePool" && !is_global(problem))
    return Support::no("not a pooling");
  if (problem.input(0).shape.rank() != 4) return Support::no("not an image of rank 4");
  if (problem.outputs.size() > 1 && problem.outputs[1].known()) return Support::no("indices are wanted");
  if (problem.attributes.get_string("layout", "NCHW") != "NHWC") return Support::no("not channels last");
  if (!has_element(problem.input(0).dtype) || (problem.op != "MaxPool" && is_quantised(problem.input(0).dtype)))
    return Support::no(fmt::format("{} values", name(problem.input(0).dtype)));
  if (problem.output().shape.count() == 0) return Support::no("it is empty");
  for (const auto& w : ops::pooling_windows(problem)) {
    if (w.pad_begin >= w.reach() || (w.out - 1) * w.stride - w.pad_begin >= w.in)
      return Support::no("a window lies in the padding");
    if (w.dilation != 1 && w.pad_begin > 0) return Support::no("a dilated window with padding");
  }
  if (is_global(problem) && problem.input(0).shape[0] > 65535) return Support::no("more than 65,535 images");
  return Support::yes();
}

class Pool : public Prepared {
 public:
  explicit Pool(const Problem& problem) {
    const auto& x = problem.input(0).shape;
    const auto w = ops::pooling_windows(problem);
    const auto number = [](std::int64_t value) { return static_cast<int>(value); };
    p_.type = element_of(problem.input(0).dtype);
    p_.batch = number(x[0]);
    p_.height = number(x[1]);
    p_.width = number(x[2]);
    p_.channels = number(x[3]);
    p_.out_height = number(w[1].out);
    p_.out_width = number(w[2].out);
    p_.kernel_height = number(w[1].kernel);
    p_.kernel_width = number(w[2].kernel);
    p_.stride_height = number(w[1].stride);
    p_.stride_width = number(w[2].stride);
    p_.pad_top = number(w[1].pad_begin);
    p_.pad_left = number(w[2].pad_begin);
    p_.pad_bottom = number(w[1].pad_end);
    p_.pad_right = number(w[2].pad_end);
    p_.dilation_height = number(w[1].dilation);
    p_.dilation_width = number(w[2].dilation);
    p_.count_padding = problem.attributes.get_int("count_include_pad", 0) != 0;
    launch_ = problem.op == "MaxPool" ? max_pool : is_global(problem) ? global_average_pool : average_pool;
  }
  void run(const RunArgs& args) const override {
    PoolParams p = p_;
    p.input = args.inputs[0];
    p.output = args.outputs[0];
    check(launch_(p, raw(args.stream)), "cuda.pool");
  }

 private:
  PoolParams p_;
  cudaError_t (*launch_)(const PoolParams&, cudaStream_t) = nullptr;
};

}  // namespace

extern const Kernel kernel_pool;
const Kernel kernel_pool{
    "cuda.pool", supports, [](const Problem&, const Backend&) { return std::vector<std::string>{""}; },
    [](const PrepareContext& context) -> std::unique_ptr<Prepared> { return std::make_unique<Pool>(context.problem); }};

}  // namespace halftone::cuda
