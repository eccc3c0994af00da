#pragma once
#include <optional>

#include "passes/constants.h"

namespace halftone {

/// Values laid out channels last. The twin of a value [N,C,H,W] is [N,H,W,C]; that of [N,C,L] is [N,1,L,C]. Nodes that
/// are converted read and make twins; what unconverted readers still want is transposed back once, at the end.
class Layout {
 public:
  explicit Layout(Editor& edited) : editor(edited) {}

  Editor& editor;

  static bool fits(const Shape& shape) { return shape.rank() == 3 || shape.rank() == 4; }
  bool has(ValueId id) const { return id != kNoValue && twins_.contains(id); }
  /// The twin of a value of rank 3 or 4, made where there is none.
  ValueId twin(ValueId id);
  void set(ValueId id, ValueId twin) { twins_[id] = twin; }
  /// Gives every value whose maker is gone, but which is still read, a maker.
  void finish();

  /// Where axis `axis` of a value of `rank` lies in its twin.
  static std::size_t axis(std::size_t rank, std::int64_t axis);
  /// The twin's shape.
  static Shape shape(const Shape& shape);

 private:
  std::map<ValueId, ValueId> twins_;
};

/// Rewrites node `index` to work channels last, where there is a rule for its operator and a reason to. Says whether it
/// did; outputs then have twins, or their readers read something else.
bool convert_layout(Layout& layout, int index);

/// The rules for operators that move data about: Reshape, Transpose, Slice, Pad, Split.
bool convert_movement(Layout& layout, int index);

}  // namespace halftone
