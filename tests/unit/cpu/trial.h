#pragma once
#include <gtest/gtest.h>

#include <cstring>

#include "backend/check.h"
#include "cpu/cpu_backend.h"
#include "graph/op.h"

namespace halftone::trial {

/// Runs one tactic once, its output buffer filled with rubbish first.
inline std::vector<Tensor> run(Backend& backend, const Kernel& kernel, std::string_view config, const Problem& problem,
                               const std::vector<Tensor>& inputs, bool in_place = false, int threads = 2) {
  WeightCache weights;
  std::vector<Tensor> constants(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (problem.constant(i)) constants[i] = inputs[i];
  backend.use_threads(threads);
  const auto prepared = kernel.prepare({problem, config, constants, backend, weights, threads});
  const auto state = prepared->make_state();
  const auto workspace = allocate_host(prepared->workspace_bytes() + 64);
  const auto stream = backend.new_stream();
  std::vector<Tensor> outputs;
  std::vector<const void*> in;
  std::vector<void*> out;
  for (const auto& tensor : inputs) in.push_back(tensor.defined() ? tensor.raw() : nullptr);
  for (const auto& type : problem.outputs) {
    outputs.emplace_back(type);
    std::memset(outputs.back().raw(), 0xcd, outputs.back().bytes());
    out.push_back(outputs.back().raw());
  }
  const int shared = prepared->in_place_input();
  if (in_place && shared >= 0) {
    std::memcpy(out[0], in[static_cast<std::size_t>(shared)], outputs[0].bytes());
    in[static_cast<std::size_t>(shared)] = out[0];
  }
  prepared->run({in, out, workspace->data(), state.get(), stream.get()});
  return outputs;
}

/// Every tactic of every row that supports the Problem against the reference; at least one must be no fallback.
inline void check_all(Backend& backend, const std::string& line, bool must_have_kernel = true) {
  SCOPED_TRACE(line);
  const Problem problem = Problem::parse(line);
  const auto in = random_inputs(problem, 1);
  const auto wanted = evaluate(problem, in);
  int competing = 0;
  for (const auto& kernel : backend.kernels()) {
    if (!kernel.competes || !kernel.supports(problem, backend)) continue;
    ++competing;
    const auto configs = kernel.configs(problem, backend);
    ASSERT_FALSE(configs.empty()) << kernel.name;
    for (const auto& config : configs)
      for (const bool in_place : {false, true}) {
        SCOPED_TRACE(fmt::format("{} {}{}", kernel.name, config, in_place ? " in place" : ""));
        const auto got = run(backend, kernel, config, problem, in, in_place);
        const Comparison comparison = compare(problem, wanted, got, in);
        EXPECT_TRUE(comparison.ok) << comparison.message;
      }
  }
  if (must_have_kernel) {
    EXPECT_GT(competing, 0) << "only the reference runs " << line;
  }
}

}  // namespace halftone::trial
