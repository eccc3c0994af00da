#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "cpu/cpu_backend.h"
#include "engine/session.h"
#include "graph/text.h"

namespace {

std::atomic<bool> counting{false};
std::atomic<int> allocations{0};

void* counted(std::size_t size) noexcept {
  if (counting) ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}

void* counted_or_thrown(std::size_t size) {
  void* memory = counted(size);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return counted_or_thrown(size); }
void* operator new[](std::size_t size) { return counted_or_thrown(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace halftone {
namespace {

/// Allocations of one run after two warm-ups, with the kernels of a library left in or out.
int allocations_of_a_run(bool with_library) {
  const Graph graph = parse_graph(R"(graph g
input x f32:1x16x12x12
const w f32:16x1x3x3 random(1)
const p f32:16x16x1x1 random(2)
a = Conv(x, w) pads=1*4 group=16
r = Relu(a)
c = Conv(r, p)
s = Add(c, r)
y = Relu(s)
output y
)");
  BuildOptions options;
  options.tune = false;
  options.cache.clear();
  const auto backend = make_cpu_backend();
  if (!with_library)
    for (const auto& kernel : backend->kernels())
      if (kernel.name.starts_with("onednn")) options.kernels_off.insert(std::string(kernel.name));
  const auto engine = build(graph, backend, options);
  for (const auto& step : engine->program(1).steps)
    if (step.tactic.kernel == "reference") return -1;
  Session session(engine);
  const Tensor input(DType::f32, Shape{1, 16, 12, 12});
  std::fill_n(static_cast<float*>(input.raw()), input.count(), 0.5f);
  Tensor output(engine->program(1).outputs[0].type);
  for (int i = 0; i < 2; ++i) session.run(std::span<const Tensor>(&input, 1), std::span<Tensor>(&output, 1));
  allocations = 0;
  counting = true;
  session.run(std::span<const Tensor>(&input, 1), std::span<Tensor>(&output, 1));
  counting = false;
  return allocations;
}

TEST(Allocation, ARunAllocatesNothingAfterTheFirst) {
  const int count = allocations_of_a_run(false);
  if (count < 0) GTEST_SKIP() << "not every step has a kernel of our own on this CPU";
  EXPECT_EQ(count, 0);
}

TEST(Allocation, WithTheLibraryOnlyItsOwnArgumentMapsAreMade) {
  // oneDNN's execute() builds a map of its arguments: two nodes and a table an argument, freed on return.
  EXPECT_LE(allocations_of_a_run(true), 5 * 12);
}

}  // namespace
}  // namespace halftone
