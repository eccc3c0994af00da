#pragma once
#include "cpu/narrow.h"

// What lies under the windows of an output line; internal linkage.
namespace halftone::cpu {
namespace {

/// Elements a line's windows cover.
inline long covered(const NarrowTask& task) { return ((task.ow - 1) * task.stride_w + task.kw) * task.channels; }

/// Input line `ih` as the windows see it, `kBytes` an element: calls copy(to, from, count) for what lies inside.
template <long kBytes, typename Copy>
void pad_line(const NarrowTask& task, long ih, unsigned char* to, Copy copy) {
  const long before = task.pad_left * task.channels, all = covered(task);
  const long inside = ih < 0 || ih >= task.h ? 0 : task.w * task.channels;
  const long first = before < all ? before : all;
  const long count = inside < all - first ? inside : all - first;
  copy(to, -1, first);
  copy(to + first * kBytes, ih * task.w * task.channels, count);
  copy(to + (first + count) * kBytes, -1, all - first - count);
}

/// The ring's place for input line `ih`.
inline unsigned char* line_place(const NarrowTask& task, long ih) {
  return task.lines + (ih % task.kh + task.kh) % task.kh * task.line_bytes;
}

}  // namespace
}  // namespace halftone::cpu
