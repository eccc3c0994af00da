#pragma once
#include <cuda_runtime.h>

#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "cuda/nvml.h"

typedef struct cudnnContext* cudnnHandle_t;
typedef struct cublasLtContext* cublasLtHandle_t;

/// What kernels of this folder need to know of the backend they run on.
namespace halftone::cuda {

class CudaStream : public Stream {
 public:
  explicit CudaStream(int device);
  ~CudaStream() override;
  void synchronize() override;
  cudaStream_t get() const { return stream_; }
  /// Made at the first call; bound to this stream. Throws device where cuDNN cannot start.
  cudnnHandle_t cudnn();

 private:
  int device_;
  cudaStream_t stream_ = nullptr;
  cudnnHandle_t cudnn_ = nullptr;
};

inline cudaStream_t raw(Stream* stream) { return static_cast<CudaStream*>(stream)->get(); }

class CudaBackend : public Backend {
 public:
  explicit CudaBackend(int index);
  /// A device that is only described, with code for its own capability: kernels of ours say what they support on it,
  /// nothing can be allocated or run.
  CudaBackend(DeviceInfo info, int capability);
  ~CudaBackend() override;

  const DeviceInfo& info() const override { return info_; }
  std::shared_ptr<Buffer> allocate(std::size_t bytes) override;
  std::unique_ptr<Stream> new_stream() override;
  bool host_memory() const override { return false; }
  void copy(void* to, const void* from, std::size_t bytes, Stream& stream) override;
  std::span<const Kernel> kernels() const override { return kernels_; }
  double seconds(Stream& stream, const std::function<void()>& work) override;
  std::unique_ptr<Recording> record(Stream& stream, const std::function<void()>& work) override;
  void use_threads(int threads) override;
  const Peaks& peaks(int threads) override;
  void flush_caches() override;
  bool lost() override;
  std::optional<PowerReading> power() override { return meter_.read(); }
  std::shared_ptr<Buffer> allocate_staging(std::size_t bytes) override;

  int index() const { return index_; }
  int processors() const { return info_.cores; }
  /// code_capability() of this device: what kernels may use, whatever the device has beside.
  int capability() const { return capability_; }
  /// Whether the device has Hopper's own instructions and the code is not for an older one: what *_sm90a.cu needs.
  bool hopper() const { return capability_ == 90 && has("sm_90"); }
  /// Bytes of shared memory a block may have: the device's, and no more than every device of capability() has.
  std::size_t shared_limit() const { return shared_limit_; }

  /// For any thread.
  cublasLtHandle_t cublaslt() const { return cublaslt_; }
  /// The value `make` gives for `key`, made once for this backend: what a library answers to the same question.
  std::vector<std::string> remembered(const std::string& key,
                                      const std::function<std::vector<std::string>()>& make) const;
  /// The object `make` gives for `key`, made at the first call and shared from then on.
  std::shared_ptr<const void> shared(const std::string& key,
                                     const std::function<std::shared_ptr<const void>()>& make) const;
  /// A stream for questions and for packing; callers hold `setup_mutex` meanwhile.
  CudaStream& setup_stream() const { return *setup_stream_; }
  std::mutex& setup_mutex() const { return setup_mutex_; }

 private:
  int index_;
  int capability_ = 0;
  std::size_t shared_limit_ = 0;
  DeviceInfo info_;
  std::vector<Kernel> kernels_;
  std::unique_ptr<CudaStream> setup_stream_;
  cublasLtHandle_t cublaslt_ = nullptr;
  Nvml meter_;
  mutable std::mutex setup_mutex_;
  mutable std::mutex memory_mutex_;
  mutable std::map<std::string, std::vector<std::string>> memory_;
  mutable std::map<std::string, std::shared_ptr<const void>> shared_;
  std::mutex peaks_mutex_;
  Peaks peaks_;
  std::shared_ptr<Buffer> flush_;
};

inline CudaBackend& backend_of(Backend& backend) { return static_cast<CudaBackend&>(backend); }
inline const CudaBackend& backend_of(const Backend& backend) { return static_cast<const CudaBackend&>(backend); }

/// A copy of a host tensor on the device.
Tensor to_device(Backend& backend, const Tensor& host);
/// Weights as a kernel of ours packed them.
Tensor to_device(Backend& backend, std::span<const std::byte> packed);
/// The same, shared by all that ask for the same content.
Tensor upload(const PrepareContext& context, const Tensor& host);

DeviceInfo describe_device(int index);

/// 75 as people write it, 7.5.
std::string capability_text(int capability);

/// Matrix products and copies, timed.
Peaks measure_peaks(CudaBackend& backend);

}  // namespace halftone::cuda
