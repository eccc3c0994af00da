#include <gtest/gtest.h>

#include "base/error.h"
#include "cpu/cpu_backend.h"
#include "engine/engine.h"
#include "graph/text.h"

namespace halftone {
namespace {

TEST(Build, RefusesABatchThatMemoryCannotHold) {
  const Graph graph = parse_graph("graph wide\ninput x f32:1x64x1024x1024\ny = Relu(x)\noutput y\n");
  BuildOptions options;
  options.batches = {65536};  // 35 TB
  options.cache.clear();
  try {
    build(graph, make_cpu_backend(), options);
    FAIL() << "built";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::resource_exhausted);
    EXPECT_NE(std::string(error.what()).find("at batch 65536"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace halftone
