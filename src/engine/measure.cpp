#include "engine/measure.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <random>
#include <thread>

#include "base/clock.h"
#include "base/interrupt.h"

namespace halftone {

std::vector<Tensor> random_tensors(std::span<const Port> ports, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<Tensor> tensors;
  for (const auto& port : ports) {
    if (is_integer(port.type.dtype)) {
      tensors.emplace_back(port.type);
      auto* bytes = static_cast<std::uint8_t*>(tensors.back().raw());
      std::generate_n(bytes, tensors.back().bytes(), [&] { return static_cast<std::uint8_t>(random()); });
      continue;
    }
    Tensor values(DType::f32, port.type.shape);
    for (auto& value : values.data<float>()) value = normal(random);
    tensors.push_back(port.type.dtype == DType::f32 ? values : values.to(port.type.dtype));
  }
  return tensors;
}

std::vector<Tensor> random_inputs(const Program& program) {
  return random_tensors(program.inputs, static_cast<unsigned>(program.batch));
}

namespace {

/// What one session works on.
struct Bench {
  std::vector<Tensor> inputs, outputs;
};

Bench lay_out(const Session& session, std::int64_t batch) {
  const Program& program = session.engine().program(batch);
  Bench bench{random_inputs(program), {}};
  for (const auto& port : program.outputs) bench.outputs.emplace_back(port.type);
  auto& backend = *session.engine().backend();
  if (backend.host_memory()) return bench;
  const auto stream = backend.new_stream();
  for (auto* list : {&bench.inputs, &bench.outputs})
    for (auto& tensor : *list) {
      Tensor there(tensor.type(), backend.allocate(tensor.bytes()));
      backend.copy(there.raw(), tensor.raw(), tensor.bytes(), *stream);
      stream->synchronize();
      tensor = there;
    }
  return bench;
}

void time_runs(Session& session, Bench& bench, int runs, std::vector<double>& milliseconds) {
  milliseconds.reserve(milliseconds.size() + static_cast<std::size_t>(runs));
  for (int i = 0; i < runs; ++i) {
    check_interrupted();
    const double begin = now_seconds();
    session.run(bench.inputs, bench.outputs);
    milliseconds.push_back(1000 * (now_seconds() - begin));
  }
}

}  // namespace

TimedRuns random_runs(SessionTeam& team, std::int64_t batch) {
  auto benches = std::make_shared<std::vector<Bench>>(static_cast<std::size_t>(team.size()));
  team.run([&](Session& session, int index) { (*benches)[static_cast<std::size_t>(index)] = lay_out(session, batch); });
  return [&team, benches](int runs, std::vector<double>& milliseconds) {
    std::vector<std::vector<double>> times(benches->size());
    std::atomic<int> timing{team.size()};
    team.run([&](Session& session, int index) {
      const auto mine = static_cast<std::size_t>(index);
      try {
        time_runs(session, (*benches)[mine], runs, times[mine]);
      } catch (...) {
        --timing;
        throw;
      }
      for (--timing; timing > 0;) session.run((*benches)[mine].inputs, (*benches)[mine].outputs);
    });
    for (const auto& list : times) milliseconds.insert(milliseconds.end(), list.begin(), list.end());
  };
}

double host_to_host_rate(std::span<const std::shared_ptr<const Engine>> engines, std::int64_t batch, int sessions,
                         double seconds) {
  struct Worker {
    std::unique_ptr<Session> session;
    std::vector<Tensor> inputs, outputs;
    std::int64_t runs = 0;
    std::exception_ptr failure;
  };
  std::vector<Worker> workers(engines.size() * static_cast<std::size_t>(sessions));
  for (std::size_t i = 0; i < workers.size(); ++i) {
    auto& worker = workers[i];
    const auto& engine = engines[i / static_cast<std::size_t>(sessions)];
    const Program& program = engine->program(batch);
    auto& backend = *engine->backend();
    worker.session = std::make_unique<Session>(engine);
    for (const auto& values : random_tensors(program.inputs, static_cast<unsigned>(i))) {
      worker.inputs.emplace_back(values.type(), backend.allocate_staging(values.bytes()));
      std::memcpy(worker.inputs.back().raw(), values.raw(), values.bytes());
    }
    for (const auto& port : program.outputs)
      worker.outputs.emplace_back(port.type, backend.allocate_staging(port.type.bytes()));
    for (int warm = 0; warm < 3; ++warm) worker.session->run(worker.inputs, worker.outputs);
  }
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  const double begin = now_seconds();
  for (auto& worker : workers)
    threads.emplace_back([&stop, &worker] {
      try {
        for (; !stop; ++worker.runs) worker.session->run(worker.inputs, worker.outputs);
      } catch (...) {
        worker.failure = std::current_exception();
      }
    });
  while (now_seconds() - begin < seconds && !interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  stop = true;
  for (auto& thread : threads) thread.join();
  const double spent = now_seconds() - begin;
  check_interrupted();
  std::int64_t runs = 0;
  for (const auto& worker : workers) {
    if (worker.failure) std::rethrow_exception(worker.failure);
    runs += worker.runs;
  }
  return static_cast<double>(runs * batch) / spent;
}

namespace {

/// All meters together; nullopt where one is missing.
std::optional<PowerReading> read_meters(const SessionTeam& team) {
  PowerReading sum;
  std::vector<const Backend*> read;
  for (const auto& engine : team.engines()) {
    auto& backend = *engine->backend();
    if (std::find(read.begin(), read.end(), &backend) != read.end()) continue;
    const auto reading = backend.power();
    if (!reading) return std::nullopt;
    sum.clock_hz = read.empty() ? reading->clock_hz : std::min(sum.clock_hz, reading->clock_hz);
    sum.joules += reading->joules;
    for (const auto& limit : reading->limits)
      if (std::find(sum.limits.begin(), sum.limits.end(), limit) == sum.limits.end()) sum.limits.push_back(limit);
    read.push_back(&backend);
  }
  return sum;
}

}  // namespace

std::optional<Draw> measure_draw(SessionTeam& team, std::int64_t batch, double seconds) {
  std::vector<Bench> benches(static_cast<std::size_t>(team.size()));
  const auto run = [&](Session& session, int index) {
    auto& bench = benches[static_cast<std::size_t>(index)];
    session.run(bench.inputs, bench.outputs);
  };
  if (!read_meters(team)) return std::nullopt;
  team.run([&](Session& session, int index) {
    benches[static_cast<std::size_t>(index)] = lay_out(session, batch);
    run(session, index);
  });
  const auto before = read_meters(team);
  const double end = now_seconds() + seconds;
  std::atomic<std::int64_t> runs{0};
  team.run([&](Session& session, int index) {
    for (; now_seconds() < end; ++runs) {
      check_interrupted();
      run(session, index);
    }
  });
  const auto after = read_meters(team);
  if (!before || !after || runs == 0 || after->joules <= before->joules) return std::nullopt;
  return Draw{(after->joules - before->joules) / static_cast<double>(runs), after->clock_hz, after->limits};
}

}  // namespace halftone
