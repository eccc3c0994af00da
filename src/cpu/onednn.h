#pragma once
#include <algorithm>
#include <dnnl.hpp>
#include <functional>
#include <optional>
#include <vector>

#include "backend/backend.h"
#include "cpu/cpu_info.h"

/// What the oneDNN rows share.
namespace halftone::cpu::onednn {

/// Before oneDNN's first use: keeps it within `cap`.
void cap_isa(Isa cap);

/// The process's one CPU engine; it has no state.
const dnnl::engine& engine();

/// f32, bf16, i8, u8, i32; nothing for other types (f16 is not among oneDNN 2.6's CPU types).
std::optional<dnnl::memory::data_type> data_type(DType dtype);

/// A row-major tensor; rank 0 as one element. The dtype must have a data_type().
dnnl::memory::desc row_major(const TensorType& type);

/// A rank-4 NHWC tensor, with oneDNN's logical order N, C, H, W.
dnnl::memory::desc nhwc(const TensorType& type);

/// Attributes with a scratchpad that the caller gives.
dnnl::primitive_attr user_scratchpad();

/// Copies by the calling thread's OpenMP team.
void copy_bytes(void* to, const void* from, std::size_t bytes);

/// work(), with oneDNN's exceptions turned into Error{unsupported}.
template <typename Work>
auto translated(Work work) {
  try {
    return work();
  } catch (const dnnl::error& error) {
    fail(Code::unsupported, "oneDNN: {}", error.what());
  }
}

/// Makes oneDNN see `threads` while a primitive is chosen.
class PrepareScope {
 public:
  explicit PrepareScope(int threads);
  ~PrepareScope();
  PrepareScope(const PrepareScope&) = delete;
  PrepareScope& operator=(const PrepareScope&) = delete;

 private:
  int before_;
};

/// Where an argument of a primitive lives during run().
struct Place {
  enum Kind { input, output, workspace, packed } kind;
  std::size_t index = 0;  ///< input or output number, or the offset in the workspace
  Tensor tensor;          ///< packed constants
};

struct Argument {
  int name;  ///< DNNL_ARG_…
  dnnl::memory::desc desc;
  Place place;
};

/// A list of primitives and functions run in order; all that the oneDNN rows prepare.
class Program : public Prepared {
 public:
  std::size_t workspace_bytes() const override { return workspace_; }
  std::unique_ptr<KernelState> make_state() const override;
  int in_place_input() const override { return in_place_; }
  bool reads_constant(std::size_t) const override { return reads_constants_; }
  void run(const RunArgs& args) const override;

  /// A workspace region, 64-byte aligned.
  Place reserve(std::size_t bytes);
  /// Appends a primitive; its scratchpad is reserved as well.
  void add(const dnnl::primitive& primitive, const dnnl::memory::desc& scratchpad, std::vector<Argument> arguments);
  void add(std::function<void(const RunArgs&)> function);
  void set_in_place(int input) { in_place_ = input; }
  /// No constant input is looked at while running.
  void set_packs_constants() { reads_constants_ = false; }

 private:
  struct Step {
    dnnl::primitive primitive;
    std::vector<Argument> arguments;
    std::function<void(const RunArgs&)> function;  // instead of the primitive where set
  };
  std::vector<Step> steps_;
  std::size_t workspace_ = 0;
  int in_place_ = -1;
  bool reads_constants_ = true;
};

/// `source` (described by `from`) reordered to `to`, once for all sessions. `variant` names what else was done to it.
Tensor pack(const PrepareContext& context, const Tensor& source, const dnnl::memory::desc& from,
            const dnnl::memory::desc& to, const std::string& variant = {});

/// Elements as a host tensor of bytes.
Tensor bytes_tensor(std::size_t bytes);

/// Neither oneDNN's reference nor its plain code.
bool not_reference(std::string_view implementation);

/// A primitive descriptor with what its iterator points at (oneDNN does not copy the operation).
template <typename Primitive>
struct Choice {
  std::unique_ptr<typename Primitive::desc> operation;
  typename Primitive::primitive_desc desc;

  Choice(typename Primitive::desc what, const dnnl::primitive_attr& attributes)
      : operation(std::make_unique<typename Primitive::desc>(std::move(what))),
        desc(*operation, attributes, engine()) {}

  /// Names of the implementations from here on, in oneDNN's order, that `wanted(name)` accepts. Exhausts the choice.
  std::vector<std::string> implementations(bool (*wanted)(std::string_view) = not_reference) {
    std::vector<std::string> names;
    do {
      std::string name = desc.impl_info_str();
      if (wanted(name) && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    } while (desc.next_impl());
    return names;
  }
};

/// The choice of that name among those of `make()` (fresh ones: copies share their iterator), or else the first.
/// Throws unsupported where there is none but oneDNN's reference.
template <typename Make>
auto choose(Make make, std::string_view name, bool (*accepted)(std::string_view) = not_reference) {
  const auto names = make().implementations(accepted);
  if (names.empty()) fail(Code::unsupported, "oneDNN has only its reference code for this");
  const bool known = std::find(names.begin(), names.end(), name) != names.end();
  const std::string wanted = known ? std::string(name) : names.front();
  auto choice = make();
  while (choice.desc.impl_info_str() != wanted && choice.desc.next_impl()) {
  }
  return std::move(choice.desc);
}

}  // namespace halftone::cpu::onednn
