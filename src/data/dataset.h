#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"
#include "data/preprocess.h"

namespace halftone {

struct DatasetItem {
  std::string name;  ///< a file's path, or the IDX file's path and a number: what errors call it
  std::optional<std::int64_t> label;
  std::int64_t index = 0;  ///< the place in an IDX file
};

/// A list of pictures, with or without labels. Pictures are read when asked for; an IDX file's pixels are held in
/// memory and shared by copies. Reading is safe from many threads.
class Dataset {
 public:
  /// Items that are files, or (when `pixels`, u8 N x height x width, is given) slices of a tensor.
  Dataset(std::string path, std::vector<DatasetItem> items, std::vector<std::string> class_names = {},
          Tensor pixels = {});

  const std::string& path() const { return path_; }
  std::size_t size() const { return items_.size(); }
  std::span<const DatasetItem> items() const& { return items_; }
  void items() const&& = delete;  // a loop over the items of a temporary would outlive them
  /// Every item has a label (open_dataset() gives all or none).
  bool labelled() const { return !items_.empty() && items_.front().label.has_value(); }
  /// The folder names where each class is a folder, in label order; else empty.
  const std::vector<std::string>& class_names() const { return class_names_; }

  /// Preprocesses item `i` into `target`. Throws not_found, io, invalid_model, naming the item.
  void load(std::size_t i, Preprocessor& preprocessor, void* target) const;
  Image image(std::size_t i) const;

  /// Throws invalid_argument, naming the first offenders, when there are no labels or one is outside 0 … classes-1.
  void check_labels(std::int64_t classes) const;

  /// At most `limit` items (0: all), evenly spaced over the list, in order.
  Dataset evenly_spaced(std::size_t limit) const;
  /// At most `limit` items (0: all) drawn without replacement, in list order; the same seed draws the same ones.
  Dataset sampled(std::size_t limit, std::uint64_t seed) const;

 private:
  Dataset with_items(const std::vector<std::size_t>& chosen) const;
  std::string path_;
  std::vector<DatasetItem> items_;
  std::vector<std::string> class_names_;
  Tensor pixels_;
};

/// Finds out what lies at `path`:
///   a picture                              -> that picture, no label
///   an IDX image file, .gz or not          -> its pictures, with the labels of the IDX label file beside it, if any
///   a folder with labels.txt               -> its pictures; a line is `file label`, every picture needs one
///   a folder with IDX image files          -> the test set (t10k); `FOLDER:train` is the training set
///   a folder of folders with pictures      -> one class a folder, numbered in the order of their names
///   a folder with pictures                 -> those pictures in the order of their names, no labels
/// Throws not_found; io; invalid_argument when there are no pictures or labels and files do not match, naming the
/// first offenders; invalid_model for a damaged IDX file.
Dataset open_dataset(const std::string& path);

}  // namespace halftone
