#include "data/loader.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "base/error.h"

namespace halftone {
Tensor Batch::filled() const {
  Shape shape = images.shape();
  shape[0] = count;
  return {TensorType{images.dtype(), shape}, images.buffer()};
}

struct BatchLoader::State {
  /// Buffers of one size; one handed out comes back when its last user is gone, which may be after the loader is.
  class BufferPool : public std::enable_shared_from_this<BufferPool> {
   public:
    explicit BufferPool(std::size_t bytes) : bytes_(bytes) {}

    std::shared_ptr<Buffer> take() {
      std::shared_ptr<Buffer> buffer;
      {
        const std::lock_guard lock(mutex_);
        if (!free_.empty()) {
          buffer = std::move(free_.back());
          free_.pop_back();
        }
      }
      if (!buffer) buffer = allocate_host(bytes_);
      Buffer* raw = buffer.get();
      return {raw, [pool = shared_from_this(), buffer = std::move(buffer)](Buffer*) mutable {
                const std::lock_guard lock(pool->mutex_);
                if (pool->open_) pool->free_.push_back(std::move(buffer));
              }};
    }

    /// Drops what is free, and what comes back later.
    void close() {
      const std::lock_guard lock(mutex_);
      open_ = false;
      free_.clear();
    }

   private:
    std::size_t bytes_;
    std::mutex mutex_;
    std::vector<std::shared_ptr<Buffer>> free_;
    bool open_ = true;
  };

  struct Slot {
    std::shared_ptr<Buffer> buffer;
    std::vector<std::exception_ptr> errors;  // one a picture; null where it went well
    std::size_t open = 0;                    // pictures not done yet
  };

  State(Dataset the_dataset, const Preprocess& the_preprocess, const LoaderOptions& the_options)
      : dataset(std::move(the_dataset)), preprocess(the_preprocess), options(the_options) {}
  ~State();

  void work();
  void request_stop();
  /// Notes a picture that may be left out; otherwise ends the loader and throws the picture's error.
  bool skip(const Slot& slot, std::size_t row, std::size_t index);
  std::size_t batch() const { return static_cast<std::size_t>(options.batch); }

  const Dataset dataset;
  const Preprocess preprocess;
  const LoaderOptions options;
  std::shared_ptr<BufferPool> pool;
  std::vector<Skipped> skipped;

  std::mutex mutex;
  std::condition_variable room, ready;
  std::deque<Slot> slots;      // the batches under way, the first being number `taken`
  std::size_t taken = 0;       // batches handed out
  std::size_t next_image = 0;  // the picture that the next free thread takes
  bool stop = false;
  std::vector<std::jthread> threads;
};

void BatchLoader::State::request_stop() {
  {
    const std::lock_guard lock(mutex);
    stop = true;
  }
  room.notify_all();
}

BatchLoader::State::~State() {
  request_stop();
  threads.clear();
  if (pool) pool->close();
}

bool BatchLoader::State::skip(const Slot& slot, std::size_t row, std::size_t index) {
  try {
    std::rethrow_exception(slot.errors[row]);
  } catch (const Error& error) {
    if (options.skip_unreadable && slot.buffer) {
      skipped.push_back({index, error.what()});
      return true;
    }
    request_stop();
    throw;
  } catch (...) {
    request_stop();
    throw;
  }
}

void BatchLoader::State::work() {
  Preprocessor preprocessor(preprocess);
  const std::size_t bytes = preprocess.image_bytes();
  std::unique_lock lock(mutex);
  while (true) {
    room.wait(lock, [&] {
      return stop || next_image >= dataset.size() ||
             next_image / batch() <= taken + static_cast<std::size_t>(options.prefetch);
    });
    if (stop || next_image >= dataset.size()) return;
    const std::size_t image = next_image++, number = image / batch(), row = image % batch();
    if (row == 0) {
      Slot& slot = slots.emplace_back();
      slot.open = std::min(batch(), dataset.size() - image);
      slot.errors.resize(slot.open);
      try {
        slot.buffer = pool->take();
      } catch (...) {
        slot.errors.assign(slot.open, std::current_exception());
      }
    }
    const Slot& slot = slots[number - taken];
    std::exception_ptr error = slot.errors[row];
    const std::shared_ptr<Buffer> buffer = slot.buffer;
    lock.unlock();
    if (!error) {
      try {
        dataset.load(image, preprocessor, static_cast<std::byte*>(buffer->data()) + row * bytes);
      } catch (...) {
        error = std::current_exception();
      }
    }
    lock.lock();
    if (stop) return;
    Slot& done = slots[number - taken];
    done.errors[row] = error;
    if (--done.open == 0) ready.notify_one();
  }
}

BatchLoader::BatchLoader(Dataset dataset, const Preprocess& preprocess, const LoaderOptions& options)
    : x_(std::make_unique<State>(std::move(dataset), preprocess, options)) {
  if (options.batch < 1) fail(Code::invalid_argument, "a batch of {} pictures", options.batch);
  if (options.threads < 0 || options.threads > 1024)
    fail(Code::invalid_argument, "{} decoding threads", options.threads);
  if (options.prefetch < 0) fail(Code::invalid_argument, "{} batches to prefetch", options.prefetch);
  Preprocessor check(preprocess);
  State& state = *x_;
  state.pool =
      std::make_shared<State::BufferPool>(TensorType{preprocess.dtype, preprocess.shape(options.batch)}.bytes());
  const std::size_t wanted = options.threads > 0 ? static_cast<std::size_t>(options.threads)
                                                 : std::max(1u, std::thread::hardware_concurrency());
  const std::size_t threads = std::min(wanted, state.dataset.size());
  for (std::size_t i = 0; i < threads; ++i) state.threads.emplace_back([&state] { state.work(); });
}

BatchLoader::~BatchLoader() = default;

std::optional<Batch> BatchLoader::next() {
  State& state = *x_;
  const std::size_t bytes = state.preprocess.image_bytes();
  while (true) {
    std::unique_lock lock(state.mutex);
    const std::size_t first = state.taken * state.batch();
    if (state.stop || first >= state.dataset.size()) return std::nullopt;
    state.ready.wait(lock, [&] { return !state.slots.empty() && state.slots.front().open == 0; });
    State::Slot slot = std::move(state.slots.front());
    state.slots.pop_front();
    ++state.taken;
    lock.unlock();
    state.room.notify_all();

    Batch batch;
    const TensorType type{state.preprocess.dtype, state.preprocess.shape(state.options.batch)};
    std::byte* data = slot.buffer ? static_cast<std::byte*>(slot.buffer->data()) : nullptr;
    for (std::size_t row = 0; row < slot.errors.size(); ++row) {
      if (slot.errors[row] && state.skip(slot, row, first + row)) continue;
      const auto place = static_cast<std::size_t>(batch.count++);
      if (place != row) std::memcpy(data + place * bytes, data + row * bytes, bytes);
      batch.indices.push_back(first + row);
      if (state.dataset.labelled()) batch.labels.push_back(*state.dataset.items()[first + row].label);
    }
    if (batch.count == 0) continue;
    std::memset(data + static_cast<std::size_t>(batch.count) * bytes, 0,
                (state.batch() - static_cast<std::size_t>(batch.count)) * bytes);
    batch.images = Tensor(type, std::move(slot.buffer));
    return batch;
  }
}

const std::vector<BatchLoader::Skipped>& BatchLoader::skipped() const { return x_->skipped; }

}  // namespace halftone
