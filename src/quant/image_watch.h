#pragma once
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/loader.h"
#include "data/preprocess.h"

namespace halftone {

/// Looks out for calibration images that teach nothing: black ones, or the same one again and again.
class ImageWatch {
 public:
  ImageWatch(const Dataset& images, const Preprocess& preprocess);
  void see(const Batch& batch);
  /// One line a finding, naming the set and the first offender.
  std::vector<std::string> findings() const;

 private:
  const Dataset& images_;
  Tensor black_;  // what a black picture is after preprocessing
  Tensor first_;
  std::size_t first_index_ = 0, first_black_ = 0;
  std::size_t seen_ = 0, same_ = 0, black_count_ = 0;
};

}  // namespace halftone
