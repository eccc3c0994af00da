#include <cstring>

#include "cuda/cuda_device.h"
#include "graph/op.h"

// Any operator, on the host: its inputs are copied there and its results back. Right, slow, and only where nothing else
// is.
namespace halftone::cuda {
namespace {

class OnHost : public Prepared {
 public:
  explicit OnHost(const PrepareContext& context)
      : problem_(context.problem),
        constants_(context.constants.begin(), context.constants.end()),
        backend_(context.backend) {}

  bool reads_constant(std::size_t input) const override {
    return input >= constants_.size() || !constants_[input].defined();
  }

  void run(const RunArgs& args) const override {
    std::vector<Tensor> inputs(problem_.inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!problem_.has(i)) continue;
      if (i < constants_.size() && constants_[i].defined()) {
        inputs[i] = constants_[i];
      } else {
        inputs[i] = Tensor(problem_.input(i));
        backend_.copy(inputs[i].raw(), args.inputs[i], inputs[i].bytes(), *args.stream);
      }
    }
    args.stream->synchronize();
    const auto results = evaluate(problem_, inputs);
    for (std::size_t i = 0; i < results.size(); ++i)
      if (results[i].defined() && results[i].bytes() && args.outputs[i])
        backend_.copy(args.outputs[i], results[i].raw(), results[i].bytes(), *args.stream);
    args.stream->synchronize();
  }

 private:
  Problem problem_;
  std::vector<Tensor> constants_;
  Backend& backend_;
};

}  // namespace

extern const Kernel kernel_reference;
const Kernel kernel_reference{.name = "host",
                              .supports = [](const Problem& problem, const Backend&) { return has_reference(problem); },
                              .configs = [](const Problem&, const Backend&) { return std::vector<std::string>{""}; },
                              .prepare = [](const PrepareContext& context) -> std::unique_ptr<Prepared> {
                                return std::make_unique<OnHost>(context);
                              },
                              .competes = false};

}  // namespace halftone::cuda
