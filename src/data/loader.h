#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "data/dataset.h"
#include "data/preprocess.h"

namespace halftone {

struct LoaderOptions {
  int batch = 1;
  int threads = 0;               ///< decoding threads; 0: as many as the machine has
  int prefetch = 2;              ///< batches decoded ahead of the one that was handed out last
  bool skip_unreadable = false;  ///< leave out pictures that cannot be read, instead of failing
};

struct Batch {
  Tensor images;                     ///< always the full batch; rows from `count` on are zero
  int count = 0;                     ///< pictures in it: the last batch, and one with skipped pictures, has fewer
  std::vector<std::size_t> indices;  ///< each picture's place in the data set
  std::vector<std::int64_t> labels;  ///< each picture's label; empty when the set has none

  /// The `count` rows, sharing the memory of `images`.
  Tensor filled() const;
};

/// Reads and preprocesses a data set in threads of its own, ahead of whoever takes the batches, which come in the
/// set's order. At most `prefetch` + 1 batches are under way; a batch's memory is used again once the Batch and all
/// tensors that share it are gone. Destroying it early stops the threads.
class BatchLoader {
 public:
  /// The crop of `preprocess` must be known.
  BatchLoader(Dataset dataset, const Preprocess& preprocess, const LoaderOptions& options);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  /// The next batch, or nothing at the end. Throws the Error of the first picture, in order, that could not be read;
  /// after that the loader is at its end. One thread at a time.
  std::optional<Batch> next();

  struct Skipped {
    std::size_t index;   ///< its place in the data set
    std::string reason;  ///< names the file
  };
  /// What skip_unreadable left out of the batches handed out so far, in order.
  const std::vector<Skipped>& skipped() const;

 private:
  struct State;
  std::unique_ptr<State> x_;
};

}  // namespace halftone
