#pragma once
#include <functional>

#include "backend/backend.h"

/// What the plain rows (loops of our own, in OpenMP) share.
namespace halftone::cpu::plain {

/// A Prepared that is one function.
class Function : public Prepared {
 public:
  explicit Function(std::function<void(const RunArgs&)> function, int in_place = -1, bool reads_constants = true)
      : function_(std::move(function)), in_place_(in_place), reads_constants_(reads_constants) {}
  int in_place_input() const override { return in_place_; }
  bool reads_constant(std::size_t) const override { return reads_constants_; }
  void run(const RunArgs& args) const override { function_(args); }

 private:
  std::function<void(const RunArgs&)> function_;
  int in_place_;
  bool reads_constants_;
};

/// The configs of a row that has nothing to choose.
inline std::vector<std::string> one_config(const Problem&, const Backend&) { return {""}; }

/// f32, bf16, f16: what the plain rows compute in float.
inline bool computes_in_float(DType dtype) {
  return dtype == DType::f32 || dtype == DType::bf16 || dtype == DType::f16;
}

/// visit() over those three.
template <typename Work>
void visit_float(DType dtype, Work work) {
  if (dtype == DType::bf16) work(BFloat16{});
  else if (dtype == DType::f16) work(Half{});
  else work(float{});
}

}  // namespace halftone::cpu::plain
