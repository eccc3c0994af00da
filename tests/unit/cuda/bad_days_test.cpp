#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include "cpu/cpu_backend.h"
#include "cuda/cuda_backend.h"
#include "cuda/layout.h"
#include "engine/measure.h"
#include "zoo/zoo.h"

// What a real card may do to an engine. Skipped, by name, where there is none.
namespace halftone {
namespace {

std::shared_ptr<const Engine> small_engine(const std::shared_ptr<Backend>& backend, std::int64_t batch) {
  BuildOptions options;
  options.batches = {batch};
  options.tune = false;
  options.cache.clear();
  return build(make_zoo("squeezenet1.1"), backend, options);
}

void run_once(const std::shared_ptr<const Engine>& engine) {
  Session session(engine);
  const auto inputs = random_inputs(engine->program(engine->batches().front()));
  for (int i = 0; i < 3; ++i) session.run(inputs);  // the third is a recording's
}

std::size_t free_memory() {
  std::size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  return free;
}

/// Others may use the card meanwhile: a leak is what is missing after every single time.
bool gives_memory_back(const std::function<void()>& work) {
  for (int i = 0; i < 5; ++i) {
    const auto before = free_memory();
    work();
    if (free_memory() >= before) return true;
  }
  return false;
}

std::shared_ptr<Backend> card() { return cuda_devices().empty() ? nullptr : make_cuda_backend(0); }

TEST(cuda_bad_days, an_engine_that_is_gone_holds_no_memory) {
  const auto backend = card();
  if (!backend) GTEST_SKIP() << "no CUDA device here";
  const auto work = [&] { run_once(small_engine(backend, 8)); };
  work();  // what libraries keep for the process is there from now on
  EXPECT_TRUE(gives_memory_back(work));
}

TEST(cuda_bad_days, out_of_memory_leaks_nothing_and_a_smaller_batch_works) {
  const auto backend = card();
  if (!backend) GTEST_SKIP() << "no CUDA device here";
  run_once(small_engine(backend, 1));
  std::vector<std::shared_ptr<Buffer>> hogs;
  for (std::size_t bytes = std::size_t{64} << 30; bytes >= std::size_t{256} << 20;)
    if (free_memory() > bytes + (std::size_t{1} << 30)) hogs.push_back(backend->allocate(bytes));
    else bytes /= 2;
  const auto too_much = [&] {
    try {
      run_once(small_engine(backend, 4096));
      ADD_FAILURE() << "it had room";
    } catch (const Error& error) {
      const std::string said = error.what();
      EXPECT_EQ(error.code(), Code::resource_exhausted) << said;
      for (const auto* word : {"cuda:0 is out of memory", "MB were asked for", "MB are free"})
        EXPECT_NE(said.find(word), std::string::npos) << said;
    }
  };
  too_much();
  EXPECT_TRUE(gives_memory_back(too_much));
  EXPECT_NO_THROW(run_once(small_engine(backend, 1)));
}

/// In a process of its own: the card is lost to it afterwards.
void lose_the_card() {
  {
    const auto backend = make_cuda_backend(0);
    const auto engine = small_engine(backend, 1);
    Session session(engine);
    const auto inputs = random_inputs(engine->program(1));
    for (int i = 0; i < 3; ++i) session.run(inputs);
    const auto expect_lost = [&](const char* what, const std::function<void()>& work) {
      try {
        work();
        std::fprintf(stderr, "%s went through\n", what);
        std::_Exit(1);
      } catch (const Error& error) {
        std::fprintf(stderr, "%s: %s\n", what, error.what());
        if (error.code() != Code::device) std::_Exit(2);
      }
    };
    cuda::AddParams params;
    params.a = reinterpret_cast<const void*>(std::uintptr_t{64});  // nobody's
    params.output = reinterpret_cast<void*>(std::uintptr_t{64});
    params.count = 1024;
    cuda::add(params, nullptr);
    expect_lost("run", [&] { session.run(inputs); });
    expect_lost("run again", [&] { session.run(inputs); });
    expect_lost("build", [&] { small_engine(backend, 2); });
    expect_lost("allocate", [&] { backend->allocate(1000); });
    if (!backend->lost()) std::_Exit(3);
  }
  run_once(small_engine(make_cpu_backend(), 1));
  std::fprintf(stderr, "the CPU works\n");
  std::_Exit(0);
}

TEST(cuda_bad_days, a_lost_device_is_named_and_nothing_falls_over) {
  if (cuda_devices().empty()) GTEST_SKIP() << "no CUDA device here";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(lose_the_card(), testing::ExitedWithCode(0),
              "run: cuda:0 failed .*this process cannot use it any more(.|\n)*the CPU works");
}

}  // namespace
}  // namespace halftone
