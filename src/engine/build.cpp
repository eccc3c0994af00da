#include <algorithm>
#include <unordered_map>

#include "base/clock.h"
#include "base/interrupt.h"
#include "engine/engine.h"
#include "engine/tuner.h"
#include "graph/op.h"

namespace halftone {
namespace {

/// Operators that only rename their input's bytes.
bool is_view(const Node& node) {
  return node.op == "Reshape" || node.op == "Flatten" || node.op == "Squeeze" || node.op == "Unsqueeze" ||
         node.op == "Identity";
}

int positive_threads(const BuildOptions& options, const Backend& backend) {
  if (options.threads < 0) fail(Code::invalid_argument, "threads {}: at least 1", options.threads);
  return options.threads == 0 ? std::max(1, backend.info().cores) : options.threads;
}

}  // namespace

class Builder {
 public:
  Builder(const Graph& graph, std::shared_ptr<Backend> backend, const BuildOptions& options)
      : graph_(graph), options_(options), engine_(std::make_shared<Engine>()) {
    engine_->name_ = graph.name;
    engine_->threads_ = positive_threads(options, *backend);
    engine_->precision_ = options.precision;
    engine_->backend_ = std::move(backend);
  }

  std::shared_ptr<const Engine> run() {
    const double start = now_seconds();
    if (options_.batches.empty()) fail(Code::invalid_argument, "no batch size given");
    backend().use_threads(engine_->threads_);  // a GPU becomes the thread's own
    const auto& info = backend().info();
    if (options_.precision == Precision::tf32 && !backend().has("tf32"))
      fail(Code::unsupported, "{} has no products of tf32; what it would run is fp32", info.id);
    for (const auto& name : options_.kernels_off)
      if (!find_kernel(backend(), name)) fail(Code::not_found, "there is no kernel '{}' on {}", name, info.id);
    if (const auto found = graph_.metadata.find(tactic_metadata_key(info)); found != graph_.metadata.end())
      plan_.add(info.key, found->second);
    if (!options_.cache.empty()) cache_ = TacticCache::load(options_.cache);
    try {
      for (const auto batch : options_.batches)
        if (!engine_->programs_.contains(batch)) engine_->programs_[batch] = make_program(batch);
    } catch (...) {
      keep_measured();  // what was learnt before an interruption need not be learnt again
      throw;
    }
    keep_measured();
    engine_->build_seconds_ = now_seconds() - start;
    return engine_;
  }

 private:
  Backend& backend() { return *engine_->backend_; }

  void keep_measured() {
    if (measured_.size() == 0 || options_.cache.empty()) return;
    try {
      measured_.save(options_.cache);
    } catch (const Error&) {
      // An unwritable cache costs time at the next build and nothing now.
    }
  }

  Program make_program(std::int64_t batch) {
    Graph graph = graph_;
    set_batch(graph, batch);
    check_fits(graph, batch);
    Program program;
    program.batch = batch;
    PassContext context;
    context.precision = options_.precision;
    context.prefers_unsigned = backend().prefers_unsigned();
    const auto has_kernel = [&](const Problem& problem, bool any) {
      return std::any_of(backend().kernels().begin(), backend().kernels().end(), [&](const Kernel& kernel) {
        return kernel.competes && (any || !kernel.takes_any) &&
               !options_.kernels_off.contains(std::string(kernel.name)) && kernel.supports(problem, backend());
      });
    };
    context.can_run = [&](const Problem& problem) { return has_kernel(problem, true); };
    context.runs_well = [&](const Problem& problem) { return has_kernel(problem, false); };
    program.passes = lower(graph, context, options_.passes_off);
    for (const auto id : graph.inputs) program.inputs.push_back({graph.value(id).name, graph.value(id).type});
    for (const auto id : graph.outputs) program.outputs.push_back({graph.value(id).name, graph.value(id).type});
    choose_tactics(graph, program);
    lay_out(graph, program);
    return program;
  }

  /// No device can run a node whose operands it cannot hold; trying would get the process killed.
  void check_fits(const Graph& graph, std::int64_t batch) {
    const auto& info = backend().info();
    if (info.memory_bytes == 0) return;
    for (const auto& node : graph.nodes) {
      double bytes = 0;
      for (const auto* ids : {&node.inputs, &node.outputs})
        for (const auto id : *ids)
          if (id != kNoValue) bytes += static_cast<double>(graph.value(id).type.bytes());
      if (bytes > static_cast<double>(info.memory_bytes))
        fail(Code::resource_exhausted, "node '{}' works on {:.1f} GB at batch {}, {} has {:.1f}", node.name,
             bytes / 1e9, batch, info.id, static_cast<double>(info.memory_bytes) / 1e9);
    }
  }

  /// One Step a node that is no view, with tactic and prepared kernel; `step_of_node_` maps back.
  void choose_tactics(const Graph& graph, Program& program) {
    std::vector<std::string> lines;
    for (const auto& node : graph.nodes)
      if (!is_view(node)) {
        const auto line = problem_of(graph, node).text();
        if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
      }
    std::unordered_map<std::string, Tactic> chosen;
    const auto turn = options_.cache.empty() ? options_.cache : options_.cache.parent_path() / "turn";
    Tuner tuner(backend(), engine_->threads_, turn);
    for (const auto& node : graph.nodes) {
      if (is_view(node)) continue;
      check_interrupted();
      Step step;
      step.node = node.name;
      step.problem = problem_of(graph, node);
      const auto line = step.problem.text();
      auto found = chosen.find(line);
      if (found == chosen.end()) {
        if (options_.progress) options_.progress({program.batch, chosen.size(), lines.size(), line});
        try {
          found = chosen.emplace(line, tactic_for(step.problem, line, tuner)).first;
        } catch (Error& error) {
          error.add_context(fmt::format("node '{}'", node.name));
          throw;
        }
      }
      step.tactic = found->second;
      std::vector<Tensor> constants;
      for (const auto id : node.inputs) constants.push_back(id == kNoValue ? Tensor() : graph.value(id).constant);
      prepare(step, constants);
      program.workspace_bytes = std::max(program.workspace_bytes, step.prepared->workspace_bytes());
      program.steps.push_back(std::move(step));
    }
    if (options_.progress) options_.progress({program.batch, lines.size(), lines.size(), ""});
  }

  /// A kernel may find that it cannot do it only when it sees the constants, or a library when it builds what it lists;
  /// then the next config takes over, and after a kernel's last one the next kernel.
  void prepare(Step& step, const std::vector<Tensor>& constants) {
    std::vector<Candidate> refused;
    while (true) {
      const Kernel& kernel = *find_kernel(backend(), step.tactic.kernel);
      try {
        step.prepared = kernel.prepare(
            {step.problem, step.tactic.config, constants, backend(), engine_->weights_, engine_->threads_});
        return;
      } catch (const Error& error) {
        if (error.code() != Code::unsupported) throw;
        refused.push_back({step.tactic.kernel, step.tactic.config, 0, error.what()});
        step.tactic = first_but(step.problem, refused);
      }
    }
  }

  /// The first candidate that is not among `refused`; of those that never compete where none is left.
  Tactic first_but(const Problem& problem, const std::vector<Candidate>& refused) {
    auto list = candidates(problem, backend(), options_.kernels_off);
    for (auto& item : list)
      for (const auto& other : refused)
        if (item.kernel == other.kernel && item.config == other.config) item.refusal = other.refusal;
    for (const auto& item : list)
      if (item.refusal.empty()) return {item.kernel, item.config, 0, "heuristic", list};
    auto off = options_.kernels_off;
    for (const auto& item : refused) off.insert(item.kernel);
    return Tuner::heuristic(problem, backend(), off);
  }

  Tactic tactic_for(const Problem& problem, const std::string& line, Tuner& tuner) {
    const auto& key = backend().info().key;
    const auto remember = [&](Tactic tactic) {
      engine_->tactics_.put(key, engine_->threads_, line, tactic);
      return tactic;
    };
    for (const auto& [cache, source] : {std::pair{&plan_, "plan"}, {&measured_, "measured"}, {&cache_, "cache"}}) {
      const Tactic* known = cache->find(key, engine_->threads_, line);
      if (!known || !still_there(problem, *known)) continue;
      Tactic tactic = *known;
      tactic.source = source;
      return remember(tactic);
    }
    if (!options_.tune) {
      std::vector<const Tactic*> nearby;
      for (const auto* cache : {&plan_, &cache_})
        for (const auto* known : cache->find_nearby(key, engine_->threads_, line)) nearby.push_back(known);
      for (const auto* known : nearby)
        if (still_there(problem, *known)) return {known->kernel, known->config, 0, "nearby", {}};
      for (const auto* known : nearby)
        if (auto next = next_best(problem, *known); !next.kernel.empty()) return next;
      return Tuner::heuristic(problem, backend(), options_.kernels_off);
    }
    Tactic tactic = tuner.choose(problem, options_.kernels_off);
    if (tactic.source == "measured") {
      measured_.put(key, engine_->threads_, line, tactic);
      return remember(tactic);
    }
    return tactic;
  }

  /// The fastest that was measured beside a tactic and is there for this problem, too; no kernel where none is. A
  /// library may offer the winner at one batch size and not at another, and its own first choice be far slower.
  Tactic next_best(const Problem& problem, const Tactic& known) {
    auto beaten = known.candidates;
    std::erase_if(beaten, [](const Candidate& item) { return !(item.seconds > 0) || !item.refusal.empty(); });
    std::stable_sort(beaten.begin(), beaten.end(), [](auto& a, auto& b) { return a.seconds < b.seconds; });
    for (const auto& item : beaten) {
      Tactic tactic{item.kernel, item.config, 0, "nearby", {}};
      if (still_there(problem, tactic)) return tactic;
    }
    return {};
  }

  /// A recorded tactic may name a kernel or config that this build of the library no longer has.
  bool still_there(const Problem& problem, const Tactic& tactic) {
    const Kernel* kernel = find_kernel(backend(), tactic.kernel);
    if (!kernel || options_.kernels_off.contains(tactic.kernel) || !kernel->supports(problem, backend())) return false;
    const auto configs = kernel->configs(problem, backend());
    return std::find(configs.begin(), configs.end(), tactic.config) != configs.end();
  }

  /// Gives every value a place: views share their input's, kernels that work in place take over a buffer whose value is
  /// used up, graph outputs are written where they belong, and the rest is packed into one arena.
  void lay_out(const Graph& graph, Program& program) {
    const std::size_t count = graph.values.size();
    std::vector<std::size_t> home(count);  // the value whose place this one shares
    for (std::size_t i = 0; i < count; ++i) home[i] = i;
    const auto find_home = [&](ValueId id) {
      auto at = static_cast<std::size_t>(id);
      while (home[at] != at) at = home[at];
      return at;
    };
    enum class Origin : std::uint8_t { computed, input, constant };
    std::vector<Origin> origin(count, Origin::computed);
    for (std::size_t i = 0; i < count; ++i)
      if (graph.values[i].is_constant()) origin[i] = Origin::constant;
    for (const auto id : graph.inputs) origin[static_cast<std::size_t>(id)] = Origin::input;

    // Views first, then the last step that reads each place.
    for (const auto& node : graph.nodes)
      if (is_view(node)) home[static_cast<std::size_t>(node.outputs[0])] = find_home(node.inputs[0]);
    std::vector<int> last(count, -1), first(count, -1);
    int step = 0;
    for (const auto& node : graph.nodes) {
      if (is_view(node)) continue;
      for (const auto id : node.inputs)
        if (id != kNoValue) last[find_home(id)] = step;
      for (const auto id : node.outputs)
        if (id != kNoValue) first[find_home(id)] = last[find_home(id)] = step;
      ++step;
    }
    const int end = step;
    std::vector<int> output_of(count, -1);                    // graph output written straight into by this place
    std::vector<std::pair<std::size_t, std::size_t>> copies;  // place -> graph output
    for (std::size_t k = 0; k < graph.outputs.size(); ++k) {
      const auto place = find_home(graph.outputs[k]);
      if (origin[place] == Origin::computed && output_of[place] < 0) output_of[place] = static_cast<int>(k);
      else copies.emplace_back(place, k);
      last[place] = end;
    }
    step = 0;
    for (const auto& node : graph.nodes) {
      if (is_view(node)) continue;
      const auto& made = program.steps[static_cast<std::size_t>(step)];
      const int shared = made.prepared->in_place_input();
      if (shared >= 0 && node.inputs[static_cast<std::size_t>(shared)] != kNoValue) {
        const auto from = find_home(node.inputs[static_cast<std::size_t>(shared)]);
        const auto to = find_home(node.outputs[0]);
        const auto bytes = [&](std::size_t place) { return graph.values[place].type.bytes(); };
        const auto readers = std::count_if(node.inputs.begin(), node.inputs.end(),
                                           [&](ValueId id) { return id != kNoValue && find_home(id) == from; });
        if (from != to && origin[from] == Origin::computed && last[from] == step && readers == 1 &&
            output_of[from] < 0 && bytes(from) == bytes(to)) {
          // `from` becomes the home of both, so that a chain of in-place steps shares one buffer.
          home[to] = from;
          last[from] = last[to];
          output_of[from] = output_of[to];
        }
      }
      ++step;
    }

    std::vector<std::size_t> places;
    std::vector<Lifetime> lifetimes;
    std::vector<std::size_t> offset(count, 0);
    for (std::size_t i = 0; i < count; ++i) {
      if (home[i] != i || origin[i] != Origin::computed || first[i] < 0) continue;
      program.unshared_bytes += graph.values[i].type.bytes();
      if (output_of[i] >= 0) continue;
      places.push_back(i);
      lifetimes.push_back({graph.values[i].type.bytes(), first[i], last[i]});
    }
    const auto plan = plan_memory(lifetimes);
    for (std::size_t i = 0; i < places.size(); ++i) offset[places[i]] = plan.offsets[i];
    program.arena_bytes = plan.bytes;
    program.arena_floor = plan.floor;

    std::unordered_map<std::size_t, std::size_t> constant_index;
    const auto slot_of = [&](ValueId id) -> Slot {
      if (id == kNoValue) return {};
      const auto place = find_home(id);
      if (origin[place] == Origin::constant) {
        const auto [found, fresh] = constant_index.emplace(place, program.constants.size());
        if (fresh) program.constants.push_back(on_device(graph.values[place].constant));
        return {Slot::Kind::constant, found->second};
      }
      if (origin[place] == Origin::input) {
        const auto at = std::find(graph.inputs.begin(), graph.inputs.end(), static_cast<ValueId>(place));
        return {Slot::Kind::input, static_cast<std::size_t>(at - graph.inputs.begin())};
      }
      if (output_of[place] >= 0) return {Slot::Kind::output, static_cast<std::size_t>(output_of[place])};
      return {Slot::Kind::arena, offset[place]};
    };
    step = 0;
    for (const auto& node : graph.nodes) {
      if (is_view(node)) continue;
      auto& made = program.steps[static_cast<std::size_t>(step++)];
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        const auto id = node.inputs[i];
        const bool dropped = id != kNoValue && graph.value(id).is_constant() && !made.prepared->reads_constant(i);
        made.inputs.push_back(dropped ? Slot{} : slot_of(id));
      }
      for (const auto id : node.outputs) made.outputs.push_back(slot_of(id));
    }
    for (const auto& [place, k] : copies) {
      Step copy;
      copy.node = graph.value(graph.outputs[k]).name;
      copy.problem = {"Identity", {}, {{graph.values[place].type, false}}, {graph.value(graph.outputs[k]).type}};
      copy.inputs.push_back(slot_of(static_cast<ValueId>(place)));
      copy.outputs.push_back({Slot::Kind::output, k});
      program.steps.push_back(std::move(copy));
    }
  }

  Tensor on_device(const Tensor& constant) {
    if (backend().host_memory()) return constant;
    return engine_->weights_.get(constant, "as it is", [&] {
      auto stream = backend().new_stream();
      Tensor copy(constant.type(), backend().allocate(constant.bytes()));
      backend().copy(copy.raw(), constant.raw(), constant.bytes(), *stream);
      stream->synchronize();
      return copy;
    });
  }

  const Graph& graph_;
  const BuildOptions& options_;
  std::shared_ptr<Engine> engine_;
  TacticCache plan_, cache_, measured_;
};

std::shared_ptr<const Engine> build(const Graph& graph, std::shared_ptr<Backend> backend, const BuildOptions& options) {
  return Builder(graph, std::move(backend), options).run();
}

}  // namespace halftone
