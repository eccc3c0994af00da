#include <cstring>

#include "backend/backend.h"
#include "graph/op.h"

namespace halftone::cpu {
namespace {

/// Runs the operator's own reference on views of the caller's memory.
class ReferenceProgram : public Prepared {
 public:
  ReferenceProgram(Problem problem, std::span<const Tensor> constants)
      : problem_(std::move(problem)), constants_(constants.begin(), constants.end()) {}

  void run(const RunArgs& args) const override {
    std::vector<Tensor> inputs(problem_.inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!problem_.has(i)) continue;
      if (i < constants_.size() && constants_[i].defined()) inputs[i] = constants_[i];
      else inputs[i] = Tensor(problem_.input(i), std::make_shared<View>(args.inputs[i], problem_.input(i).bytes()));
    }
    const auto results = evaluate(problem_, inputs);
    for (std::size_t i = 0; i < results.size(); ++i)
      if (results[i].defined() && results[i].bytes() && args.outputs[i])
        std::memcpy(args.outputs[i], results[i].raw(), results[i].bytes());
  }

 private:
  struct View : Buffer {
    View(const void* data, std::size_t bytes) : Buffer(const_cast<void*>(data), bytes, true) {}
  };
  Problem problem_;
  std::vector<Tensor> constants_;
};

}  // namespace

extern const Kernel kernel_reference;
const Kernel kernel_reference{.name = "reference",
                              .supports = [](const Problem& problem, const Backend&) { return has_reference(problem); },
                              .configs = [](const Problem&, const Backend&) { return std::vector<std::string>{""}; },
                              .prepare = [](const PrepareContext& context) -> std::unique_ptr<Prepared> {
                                return std::make_unique<ReferenceProgram>(context.problem, context.constants);
                              },
                              .competes = false};

}  // namespace halftone::cpu
