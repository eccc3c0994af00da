#pragma once
#include <memory>
#include <span>
#include <vector>

#include "engine/engine.h"

namespace halftone {

/// The mutable half of an engine: arena, stream, kernel states. One thread at a time.
class Session {
 public:
  explicit Session(std::shared_ptr<const Engine> engine);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Engine& engine() const { return *engine_; }

  /// Runs the program of the inputs' batch. Inputs and outputs in the engine's order, on the host or on the device, of
  /// the types the program states; throws invalid_argument otherwise, naming the tensor. Allocates nothing after the
  /// first call for a batch.
  void run(std::span<const Tensor> inputs, std::span<Tensor> outputs);
  /// The same into tensors of the session's own, valid until the next run of that batch.
  std::span<const Tensor> run(std::span<const Tensor> inputs);

  /// Runs `iterations` times with a clock around each step: seconds[step][iteration].
  std::vector<std::vector<double>> profile(std::span<const Tensor> inputs, int iterations);

 private:
  struct Bound;  // a program with its pointers laid out
  Bound& bound(std::int64_t batch);
  /// Points the calls at the tensors; true where a pointer changed.
  bool place(Bound& bound, std::span<const Tensor> inputs, std::span<Tensor> outputs);
  void execute(Bound& bound);
  std::span<Tensor> own_outputs(Bound& bound);

  std::shared_ptr<const Engine> engine_;
  std::unique_ptr<Stream> stream_;
  std::shared_ptr<Buffer> arena_;
  std::shared_ptr<Buffer> workspace_;
  std::vector<std::unique_ptr<Bound>> bounds_;

 public:
  ~Session();
};

}  // namespace halftone
