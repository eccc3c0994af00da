#include "cuda/cuda_backend.h"

#include <algorithm>
#include <cstring>

#include "cuda/capability.h"
#include "cuda/cublaslt_library.h"
#include "cuda/cuda_device.h"
#include "cuda/cuda_error.h"
#include "cuda/cudnn_library.h"
#include "cuda/device_trouble.h"
#include "cuda/spin.h"

namespace halftone {
namespace cuda {

#define HALFTONE_KERNEL(name) extern const Kernel kernel_##name;
#include "cuda/kernels.def"
#undef HALFTONE_KERNEL

namespace {

class DeviceBuffer : public Buffer {
 public:
  DeviceBuffer(void* data, std::size_t bytes) : Buffer(data, bytes, false) {}
  ~DeviceBuffer() override { cudaFree(data_); }
};

class PinnedBuffer : public Buffer {
 public:
  PinnedBuffer(void* data, std::size_t bytes) : Buffer(data, bytes, true) {}
  ~PinnedBuffer() override { cudaFreeHost(data_); }
};

class GraphRecording : public Recording {
 public:
  explicit GraphRecording(cudaGraphExec_t graph) : graph_(graph) {}
  ~GraphRecording() override { cudaGraphExecDestroy(graph_); }
  void replay(Stream& stream) override { check(cudaGraphLaunch(graph_, raw(&stream)), "replaying"); }

 private:
  cudaGraphExec_t graph_;
};

/// NVIDIA's table of compute capabilities, CUDA C++ Programming Guide.
std::size_t shared_limit_of(int capability) {
  const std::size_t kilobytes = capability < 80                        ? 64
                                : capability == 86 || capability == 89 ? 99
                                : capability < 90                      ? 163
                                                                       : 227;
  return kilobytes << 10;
}

std::vector<Kernel> kernel_table() {
  return {
#define HALFTONE_KERNEL(name) kernel_##name,
#include "cuda/kernels.def"
#undef HALFTONE_KERNEL
  };
}

int device_count() {
  int driver = 0, toolkit = 0, count = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&toolkit);
  const auto trouble = driver_trouble(driver, toolkit, cudaGetDeviceCount(&count));
  cudaGetLastError();
  if (!trouble.empty()) fail(Code::not_found, "no CUDA device can be used: {}", trouble);
  return count;
}

}  // namespace

CudaStream::CudaStream(int device) : device_(device) {
  check(cudaSetDevice(device), "choosing the device");
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
}

CudaStream::~CudaStream() {
  if (cudnn_) cudnn_library().destroy(cudnn_);
  cudaStreamDestroy(stream_);
}

void CudaStream::synchronize() { check(cudaStreamSynchronize(stream_), "running"); }

cudnnHandle_t CudaStream::cudnn() {
  if (cudnn_) return cudnn_;
  check(cudaSetDevice(device_), "choosing the device");
  auto status = cudnn_library().create(&cudnn_);
  if (status == CUDNN_STATUS_SUCCESS) status = cudnn_library().set_stream(cudnn_, stream_);
  if (status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED) out_of_memory(device_, 0);
  if (status != CUDNN_STATUS_SUCCESS)
    fail(Code::device, "cuDNN cannot start: {}", cudnn_library().error_string(status));
  return cudnn_;
}

CudaBackend::CudaBackend(int index)
    : index_(index),
      info_(describe_device(index)),
      kernels_(kernel_table()),
      setup_stream_(std::make_unique<CudaStream>(index)),
      meter_(index) {
  capability_ = code_capability();
  int most = 0;
  check(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, index), "asking for the device");
  shared_limit_ = std::min(shared_limit_of(capability_), static_cast<std::size_t>(most));
  if (!has(fmt::format("sm_{}", capability_))) info_.key += fmt::format("/sm_{}_code", capability_);
  // What is missing shows here, not in the middle of a run.
  info_.key += fmt::format("/cudnn_{}/cublaslt_{}", cudnn_library().get_version(), cublaslt_library().get_version());
  if (cublaslt_library().create(&cublaslt_) != CUBLAS_STATUS_SUCCESS) fail(Code::device, "cuBLASLt cannot start");
}

CudaBackend::CudaBackend(DeviceInfo info, int capability)
    : index_(-1),
      capability_(capability),
      shared_limit_(shared_limit_of(capability)),
      info_(std::move(info)),
      kernels_(kernel_table()),
      meter_(-1) {}

CudaBackend::~CudaBackend() {
  if (cublaslt_) cublaslt_library().destroy(cublaslt_);
}

std::shared_ptr<Buffer> CudaBackend::allocate(std::size_t bytes) {
  check(cudaSetDevice(index_), "choosing the device");
  void* data = nullptr;
  const cudaError_t error = cudaMalloc(&data, std::max<std::size_t>(bytes, 256));
  if (error == cudaErrorMemoryAllocation) out_of_memory(index_, bytes);
  check(error, "allocating memory");
  return std::make_shared<DeviceBuffer>(data, bytes);
}

std::shared_ptr<Buffer> CudaBackend::allocate_staging(std::size_t bytes) {
  void* data = nullptr;
  const cudaError_t error = cudaMallocHost(&data, std::max<std::size_t>(bytes, 64));
  if (error != cudaSuccess) {
    cudaGetLastError();
    fail(Code::resource_exhausted, "{} MB of host memory cannot be pinned for {}: {}", (bytes >> 20) + 1, info_.id,
         cudaGetErrorString(error));
  }
  return std::make_shared<PinnedBuffer>(data, bytes);
}

std::unique_ptr<Stream> CudaBackend::new_stream() { return std::make_unique<CudaStream>(index_); }

void CudaBackend::copy(void* to, const void* from, std::size_t bytes, Stream& stream) {
  if (bytes) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, raw(&stream)), "copying");
}

double CudaBackend::seconds(Stream& stream, const std::function<void()>& work) {
  struct Event {
    cudaEvent_t event = nullptr;
    Event() { check(cudaEventCreate(&event), "making an event"); }
    ~Event() { cudaEventDestroy(event); }
  };
  check(cudaSetDevice(index_), "choosing the device");  // events belong to one
  const Event begin, end;
  check(spin(30, raw(&stream)), "timing");
  check(cudaEventRecord(begin.event, raw(&stream)), "timing");
  work();
  check(cudaEventRecord(end.event, raw(&stream)), "timing");
  check(cudaEventSynchronize(end.event), "running");
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, begin.event, end.event), "timing");
  return static_cast<double>(milliseconds) * 1e-3;
}

std::unique_ptr<Recording> CudaBackend::record(Stream& stream, const std::function<void()>& work) {
  check(cudaStreamBeginCapture(raw(&stream), cudaStreamCaptureModeThreadLocal), "recording");
  bool recorded = true;
  try {
    work();
  } catch (const Error&) {
    recorded = false;  // something waits for the device, as operators on the host do
  }
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(raw(&stream), &graph);
  if (recorded && ended == cudaSuccess) cudaGraphInstantiate(&executable, graph, 0);
  if (graph) cudaGraphDestroy(graph);
  cudaGetLastError();
  return executable ? std::make_unique<GraphRecording>(executable) : nullptr;
}

void CudaBackend::use_threads(int) { check(cudaSetDevice(index_), "choosing the device"); }

bool CudaBackend::lost() {
  cudaError_t error = cudaSetDevice(index_);
  if (error == cudaSuccess) error = cudaStreamQuery(setup_stream_->get());
  cudaGetLastError();
  return is_final(error);
}

const Peaks& CudaBackend::peaks(int) {
  const std::lock_guard lock(peaks_mutex_);
  if (peaks_.bandwidth.empty()) peaks_ = measure_peaks(*this);
  return peaks_;
}

void CudaBackend::flush_caches() {
  const std::lock_guard lock(setup_mutex_);
  const auto l2 = info_.cache_bytes.find("L2");
  const std::size_t bytes = 2 * (l2 == info_.cache_bytes.end() ? std::size_t{64} << 20 : l2->second);
  if (!flush_) flush_ = allocate(bytes);
  check(cudaMemsetAsync(flush_->data(), 1, bytes, setup_stream_->get()), "flushing the cache");
  setup_stream_->synchronize();
}

std::vector<std::string> CudaBackend::remembered(const std::string& key,
                                                 const std::function<std::vector<std::string>()>& make) const {
  {
    const std::lock_guard lock(memory_mutex_);
    const auto found = memory_.find(key);
    if (found != memory_.end()) return found->second;
  }
  auto made = make();
  const std::lock_guard lock(memory_mutex_);
  return memory_.emplace(key, std::move(made)).first->second;
}

std::shared_ptr<const void> CudaBackend::shared(const std::string& key,
                                                const std::function<std::shared_ptr<const void>()>& make) const {
  {
    const std::lock_guard lock(memory_mutex_);
    const auto found = shared_.find(key);
    if (found != shared_.end()) return found->second;
  }
  auto made = make();
  const std::lock_guard lock(memory_mutex_);
  return shared_.emplace(key, std::move(made)).first->second;
}

Tensor to_device(Backend& backend, const Tensor& host) {
  auto& device = backend_of(backend);
  Tensor copy(host.type(), device.allocate(host.bytes()));
  const std::lock_guard lock(device.setup_mutex());
  device.copy(copy.raw(), host.raw(), host.bytes(), device.setup_stream());
  device.setup_stream().synchronize();
  return copy;
}

Tensor to_device(Backend& backend, std::span<const std::byte> packed) {
  Tensor host(DType::i8, Shape{static_cast<std::int64_t>(packed.size())});
  std::memcpy(host.raw(), packed.data(), packed.size());
  return to_device(backend, host);
}

Tensor upload(const PrepareContext& context, const Tensor& host) {
  return context.weights.get(host, "on the device", [&] { return to_device(context.backend, host); });
}

std::string capability_text(int capability) { return fmt::format("{}.{}", capability / 10, capability % 10); }

DeviceInfo describe_device(int index) {
  cudaDeviceProp device{};
  check(cudaGetDeviceProperties(&device, index), "asking for the device");
  DeviceInfo info;
  info.id = fmt::format("cuda:{}", index);
  info.name = device.name;
  info.key = fmt::format("{}/sm_{}{}", device.name, device.major, device.minor);
  std::replace(info.key.begin(), info.key.end(), ' ', '_');
  info.cores = device.multiProcessorCount;
  info.features = {"fp16", "int8", "symmetric_int8"};
  const int capability = device.major * 10 + device.minor;
  if (capability >= 80) info.features.insert(info.features.end(), {"tf32", "bf16"});
  if (capability >= 89) info.features.emplace_back("fp8");
  info.features.push_back(fmt::format("sm_{}", capability));
  info.cache_bytes = {{"L2", static_cast<std::size_t>(device.l2CacheSize)},
                      {"shared", device.sharedMemPerMultiprocessor}};
  info.memory_bytes = device.totalGlobalMem;
  int core_khz = 0, memory_khz = 0;
  check(cudaDeviceGetAttribute(&core_khz, cudaDevAttrClockRate, index), "asking for the clock");
  check(cudaDeviceGetAttribute(&memory_khz, cudaDevAttrMemoryClockRate, index), "asking for the memory's clock");
  info.clock_hz = {{"cores", 1e3 * core_khz}, {"memory", 1e3 * memory_khz}};
  return info;
}

}  // namespace cuda

std::shared_ptr<Backend> make_cuda_backend(int index) {
  int count = 0;
  try {
    count = cuda::device_count();
  } catch (Error& error) {
    error.add_context(fmt::format("device 'cuda:{}'", index));
    throw;
  }
  const auto refuse = [&](const std::string& trouble) {
    if (!trouble.empty()) fail(Code::not_found, "device 'cuda:{}': {}", index, trouble);
  };
  refuse(cuda::index_trouble(index, count));
  cuda::check(cudaSetDevice(index), "choosing the device");
  cudaDeviceProp device{};
  cuda::check(cudaGetDeviceProperties(&device, index), "asking for the device");
  refuse(cuda::code_trouble(device.name, device.major * 10 + device.minor, cuda::code_capability()));
  return std::make_shared<cuda::CudaBackend>(index);
}

std::vector<DeviceInfo> cuda_devices() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();
    return {};
  }
  std::vector<DeviceInfo> devices;
  for (int i = 0; i < count; ++i) devices.push_back(cuda::describe_device(i));
  return devices;
}

}  // namespace halftone
