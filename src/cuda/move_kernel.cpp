#include "cuda/copy.h"
#include "cuda/cuda_error.h"
#include "cuda/fused_conv_setup.h"
#include "cuda/layout.h"

// Transpose where it swaps two neighbouring groups of axes (NCHW and NHWC both ways), and Concat.
namespace halftone::cuda {
namespace {

struct Swap {
  std::int64_t batch = 1, rows = 1, columns = 1;
};

/// The permutation as 0 … k-1, m … r-1, k … m-1.
Support swap_of(const Problem& problem, Swap* swap) {
  if (problem.op != "Transpose") return Support::no("not a Transpose");
  const auto& shape = problem.input(0).shape;
  const auto rank = shape.rank();
  auto perm = problem.attributes.get_ints("perm");
  if (perm.empty())
    for (std::size_t i = rank; i-- > 0;) perm.push_back(static_cast<std::int64_t>(i));
  std::size_t k = 0;
  while (k < rank && normalize_axis(perm[k], rank) == k) ++k;
  const std::size_t m = k < rank ? normalize_axis(perm[k], rank) : rank;
  for (std::size_t i = k; i < rank; ++i) {
    const std::size_t wanted = i < k + rank - m ? m + i - k : i - (rank - m);
    if (normalize_axis(perm[i], rank) != wanted) return Support::no("more than two groups of axes change places");
  }
  for (std::size_t i = 0; i < rank; ++i) (i < k ? swap->batch : i < m ? swap->rows : swap->columns) *= shape[i];
  return Support::yes();
}

Support transpose_supports(const Problem& problem, const Backend&) {
  Swap swap;
  if (const auto answer = swap_of(problem, &swap); !answer) return answer;
  if (!has_element(problem.input(0).dtype)) return Support::no(fmt::format("{} values", name(problem.input(0).dtype)));
  if (problem.output().shape.count() == 0) return Support::no("it is empty");
  if (swap.batch > 65535 || swap.rows > 65535 * 32 || swap.columns > 0x7fffffff)
    return Support::no("too large a batch");
  return Support::yes();
}

class TransposeProgram : public Prepared {
 public:
  explicit TransposeProgram(const Problem& problem) {
    Swap swap;
    swap_of(problem, &swap);
    const DType dtype = problem.input(0).dtype;
    p_.from = p_.to = element_of(dtype == DType::f8e4m3 ? DType::i8 : dtype);
    p_.batch = swap.batch;
    p_.rows = static_cast<int>(swap.rows);
    p_.columns = static_cast<int>(swap.columns);
  }
  void run(const RunArgs& args) const override {
    TransposeParams p = p_;
    p.input = args.inputs[0];
    p.output = args.outputs[0];
    check(transpose_batched(p, raw(args.stream)), "cuda.transpose");
  }

 private:
  TransposeParams p_;
};

Support concat_supports(const Problem& problem, const Backend&) {
  if (problem.op != "Concat") return Support::no("not a Concat");
  if (problem.inputs.size() > kMostParts) return Support::no(fmt::format("{} inputs", problem.inputs.size()));
  return problem.output().shape.count() == 0 ? Support::no("it is empty") : Support::yes();
}

class ConcatProgram : public Prepared {
 public:
  explicit ConcatProgram(const Problem& problem) {
    const auto& out = problem.output().shape;
    const auto axis = normalize_axis(problem.attributes.get_int("axis", 0), out.rank());
    std::size_t inner = size_of(problem.output().dtype);
    for (std::size_t i = axis + 1; i < out.rank(); ++i) inner *= static_cast<std::size_t>(out[i]);
    for (std::size_t i = 0; i < axis; ++i) p_.rows *= out[i];
    std::vector<std::size_t> widths;
    p_.word = 16;
    for (const auto& operand : problem.inputs) {
      widths.push_back(inner * static_cast<std::size_t>(operand.type.shape[axis]));
      while (widths.back() % static_cast<std::size_t>(p_.word)) p_.word /= 2;
    }
    std::int64_t end = 0;
    for (const auto width : widths) {
      end += static_cast<std::int64_t>(width) / p_.word;
      p_.ends[p_.parts++] = end;
    }
  }
  void run(const RunArgs& args) const override {
    ConcatParams p = p_;
    for (int i = 0; i < p.parts; ++i) p.inputs[i] = args.inputs[static_cast<std::size_t>(i)];
    p.output = args.outputs[0];
    check(concat(p, raw(args.stream)), "cuda.concat");
  }

 private:
  ConcatParams p_;
};

std::vector<std::string> only(const Problem&, const Backend&) { return {""}; }

}  // namespace

extern const Kernel kernel_transpose, kernel_concat;
const Kernel kernel_transpose{"cuda.transpose", transpose_supports, only,
                              [](const PrepareContext& context) -> std::unique_ptr<Prepared> {
                                return std::make_unique<TransposeProgram>(context.problem);
                              }};
const Kernel kernel_concat{"cuda.concat", concat_supports, only,
                           [](const PrepareContext& context) -> std::unique_ptr<Prepared> {
                             return std::make_unique<ConcatProgram>(context.problem);
                           }};

}  // namespace halftone::cuda
