#include "cuda/cudnn_conv.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "cuda/cudnn_library.h"
#include "cuda/launch.h"

namespace halftone::cuda {
namespace {

enum Id : int64_t { kInput = 1, kWeights, kScale, kBias, kResidual, kRescale, kOutput, kFirstVirtual };

/// A backend descriptor that is freed with its owner, or a null one after a failure.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type) {
    status_ = cudnn_library().create_descriptor(type, &handle_);
  }
  ~Descriptor() {
    if (handle_ != nullptr) cudnn_library().destroy_descriptor(handle_);
  }
  Descriptor(Descriptor&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)), status_(other.status_) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(status_, other.status_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;

  template <typename T>
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, T value) {
    return set_all(name, type, &value, 1);
  }
  template <typename T>
  Descriptor& set_all(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, const T* values,
                      int64_t count) {
    if (status_ == CUDNN_STATUS_SUCCESS) {
      status_ = cudnn_library().set_attribute(handle_, name, type, count, values);
    }
    return *this;
  }
  Descriptor& set(cudnnBackendAttributeName_t name, const Descriptor& value) {
    return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, value.handle_);
  }
  bool finish() {
    if (status_ == CUDNN_STATUS_SUCCESS) status_ = cudnn_library().finalize(handle_);
    return status_ == CUDNN_STATUS_SUCCESS;
  }

  cudnnBackendDescriptor_t get() const { return handle_; }
  cudnnBackendDescriptor_t release() { return std::exchange(handle_, nullptr); }
  cudnnStatus_t status() const { return status_; }

 private:
  cudnnBackendDescriptor_t handle_ = nullptr;
  cudnnStatus_t status_ = CUDNN_STATUS_SUCCESS;
};

cudnnDataType_t storage_type(CudnnType type) {
  switch (type) {
    case CudnnType::kFloat16: return CUDNN_DATA_HALF;
    case CudnnType::kBfloat16: return CUDNN_DATA_BFLOAT16;
    case CudnnType::kInt8: return CUDNN_DATA_INT8;
    case CudnnType::kFloat8: return CUDNN_DATA_FP8_E4M3;
    default: return CUDNN_DATA_FLOAT;
  }
}

/// A 4-D tensor in cuDNN's order (N, C, H, W) whose channels lie innermost.
Descriptor tensor(int64_t id, cudnnDataType_t type, std::array<int64_t, 4> dims, int64_t pitch, bool is_virtual) {
  const std::array<int64_t, 4> strides = {dims[2] * dims[3] * pitch, 1, dims[3] * pitch, pitch};
  Descriptor out(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  out.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, type)
      .set_all(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, dims.data(), 4)
      .set_all(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, strides.data(), 4)
      .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, id)
      .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, int64_t{16})
      .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, is_virtual);
  out.finish();
  return out;
}

std::string refusal(const char* what, cudnnStatus_t status) {
  return std::string("cuDNN: ") + what + ": " + cudnn_library().error_string(status);
}

/// The operations of one graph and every tensor they name.
struct Operations {
  std::vector<Descriptor> tensors;
  std::vector<Descriptor> parts;
  std::vector<Descriptor> nodes;
  std::string error;

  void check(Descriptor& descriptor, const char* what) {
    if (!descriptor.finish() && error.empty()) error = refusal(what, descriptor.status());
  }

  const Descriptor& add(Descriptor descriptor) {
    if (descriptor.status() != CUDNN_STATUS_SUCCESS && error.empty()) {
      error = refusal("tensor", descriptor.status());
    }
    tensors.push_back(std::move(descriptor));
    return tensors.back();
  }

  void pointwise(cudnnPointwiseMode_t mode, const Descriptor& x, const Descriptor* b, const Descriptor& y) {
    Descriptor how(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    how.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, mode)
        .set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    check(how, "pointwise");
    Descriptor node(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    node.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how).set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (b != nullptr) node.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
    node.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    check(node, "pointwise operation");
    parts.push_back(std::move(how));
    nodes.push_back(std::move(node));
  }
};

Operations describe(const CudnnConvDescription& conv) {
  const ConvParams& p = conv.shape;
  const bool integer = conv.type == CudnnType::kInt8;
  const bool scaled = integer || conv.type == CudnnType::kFloat8;
  const cudnnDataType_t type = storage_type(conv.type);
  const std::array<int64_t, 4> out_dims = {p.batch, p.outputs, p.out_height, p.out_width};
  const std::array<int64_t, 4> channel_dims = {1, p.outputs, 1, 1};

  Operations ops;
  ops.tensors.reserve(16);  // references into it are held below
  const Descriptor& x = ops.add(tensor(kInput, type, {p.batch, p.channels, p.height, p.width}, p.input_pitch, false));
  const int64_t group_channels = p.channels / conv.groups;
  const Descriptor& w = ops.add(
      tensor(kWeights, type, {p.outputs, group_channels, p.kernel_height, p.kernel_width}, group_channels, false));

  // The chain of steps after the product; each step but the last writes a virtual tensor.
  const int steps =
      (scaled ? 1 : 0) + (conv.bias ? 1 : 0) + (conv.residual ? 1 : 0) + (conv.relu ? 1 : 0) + (conv.rescale ? 1 : 0);
  int done = 0;
  int64_t next_id = kFirstVirtual;
  const auto result = [&]() -> const Descriptor& {
    const bool last = done++ == steps;
    if (last) return ops.add(tensor(kOutput, type, out_dims, p.output_pitch, false));
    const cudnnDataType_t between = integer && done == 1 ? CUDNN_DATA_INT32 : CUDNN_DATA_FLOAT;
    return ops.add(tensor(next_id++, between, out_dims, p.outputs, true));
  };

  const std::array<int64_t, 2> strides = {p.stride_height, p.stride_width};
  const std::array<int64_t, 2> dilations = {p.dilation_height, p.dilation_width};
  const std::array<int64_t, 2> before = {p.pad_top, p.pad_left};
  // Rows and columns the last window does not reach would make these negative.
  const std::array<int64_t, 2> after = {
      std::max(0, (p.out_height - 1) * p.stride_height + (p.kernel_height - 1) * p.dilation_height + 1 - p.height -
                      p.pad_top),
      std::max(
          0, (p.out_width - 1) * p.stride_width + (p.kernel_width - 1) * p.dilation_width + 1 - p.width - p.pad_left)};
  Descriptor how(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  how.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, integer ? CUDNN_DATA_INT32 : CUDNN_DATA_FLOAT)
      .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, CUDNN_CROSS_CORRELATION)
      .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, int64_t{2})
      .set_all(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, dilations.data(), 2)
      .set_all(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, strides.data(), 2)
      .set_all(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, before.data(), 2)
      .set_all(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, after.data(), 2);
  ops.check(how, "convolution");
  const Descriptor* current = &result();
  Descriptor node(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  node.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, how)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, *current)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1.0F)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 0.0F);
  ops.check(node, "convolution operation");
  ops.parts.push_back(std::move(how));
  ops.nodes.push_back(std::move(node));

  const auto step = [&](cudnnPointwiseMode_t mode, const Descriptor* operand) {
    const Descriptor& to = result();
    ops.pointwise(mode, *current, operand, to);
    current = &to;
  };
  if (scaled) {
    step(CUDNN_POINTWISE_MUL, &ops.add(tensor(kScale, CUDNN_DATA_FLOAT, channel_dims, p.outputs, false)));
  }
  if (conv.bias) {
    step(CUDNN_POINTWISE_ADD, &ops.add(tensor(kBias, CUDNN_DATA_FLOAT, channel_dims, p.outputs, false)));
  }
  if (conv.residual) {
    step(CUDNN_POINTWISE_ADD, &ops.add(tensor(kResidual, type, out_dims, p.outputs, false)));
  }
  if (conv.relu) step(CUDNN_POINTWISE_RELU_FWD, nullptr);
  if (conv.rescale) {
    step(CUDNN_POINTWISE_MUL, &ops.add(tensor(kRescale, CUDNN_DATA_FLOAT, {1, 1, 1, 1}, 1, false)));
  }
  return ops;
}

bool has_note(cudnnBackendDescriptor_t engine, cudnnBackendNumericalNote_t wanted) {
  std::array<cudnnBackendNumericalNote_t, CUDNN_NUMERICAL_NOTE_TYPE_COUNT> notes{};
  int64_t count = 0;
  cudnn_library().get_attribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                static_cast<int64_t>(notes.size()), &count, notes.data());
  for (int64_t i = 0; i < count; ++i) {
    if (notes[static_cast<size_t>(i)] == wanted) return true;
  }
  return false;
}

/// Bytes; 0 where cuDNN does not say.
size_t workspace_of(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t attribute) {
  int64_t bytes = 0;
  int64_t found = 0;
  cudnn_library().get_attribute(descriptor, attribute, CUDNN_TYPE_INT64, 1, &found, &bytes);
  return found == 1 && bytes > 0 ? static_cast<size_t>(bytes) : 0;
}

/// Engine configurations in cuDNN's order, named by engine and how often it came before.
struct NamedConfig {
  std::string name;
  Descriptor config;
};

std::vector<NamedConfig> list_configs(cudnnHandle_t handle, const CudnnConvDescription& conv, int most,
                                      std::string* why) {
  std::vector<NamedConfig> list;
  Operations ops = describe(conv);
  if (!ops.error.empty()) {
    *why = ops.error;
    return list;
  }
  std::vector<cudnnBackendDescriptor_t> nodes;
  for (const Descriptor& node : ops.nodes) nodes.push_back(node.get());
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, handle)
      .set_all(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, nodes.data(),
               static_cast<int64_t>(nodes.size()));
  if (!graph.finish()) {
    *why = refusal("operation graph", graph.status());
    return list;
  }
  std::set<std::string> seen;
  for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_B, CUDNN_HEUR_MODE_FALLBACK}) {
    if (mode == CUDNN_HEUR_MODE_FALLBACK && !list.empty()) break;
    Descriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph)
        .set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
    if (!heuristic.finish()) {
      *why = refusal("heuristic", heuristic.status());
      continue;
    }
    int64_t count = 0;
    cudnn_library().get_attribute(heuristic.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0,
                                  &count, nullptr);
    std::vector<Descriptor> configs;
    std::vector<cudnnBackendDescriptor_t> handles;
    for (int64_t i = 0; i < count; ++i) {
      configs.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
      handles.push_back(configs.back().get());
    }
    cudnn_library().get_attribute(heuristic.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, count,
                                  &count, handles.data());
    for (int64_t i = 0; i < count && static_cast<int>(list.size()) < most; ++i) {
      Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
      cudnnBackendDescriptor_t engine_handle = engine.get();
      int64_t found = 0;
      cudnn_library().get_attribute(handles[static_cast<size_t>(i)], CUDNN_ATTR_ENGINECFG_ENGINE,
                                    CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &found, &engine_handle);
      if (conv.type == CudnnType::kFloat32 && (has_note(engine.get(), CUDNN_NUMERICAL_NOTE_TENSOR_CORE) ||
                                               has_note(engine.get(), CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS))) {
        continue;
      }
      int64_t index = 0;
      cudnn_library().get_attribute(engine.get(), CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &found, &index);
      std::string name = "engine" + std::to_string(index);
      for (int n = 2; !seen.insert(name).second; ++n) {
        name = "engine" + std::to_string(index) + "." + std::to_string(n);
      }
      if (workspace_of(handles[static_cast<size_t>(i)], CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE) > conv.most_workspace) {
        *why = "cuDNN wants too much workspace";
        continue;
      }
      list.push_back({name, std::move(configs[static_cast<size_t>(i)])});
    }
  }
  if (list.empty() && why->empty()) *why = "cuDNN has no engine for this";
  return list;
}

}  // namespace

CudnnConvPlan::~CudnnConvPlan() { cudnn_library().destroy_descriptor(plan_); }

cudaError_t CudnnConvPlan::run(cudnnHandle_t handle, const ConvParams& p, cudaStream_t stream) const {
  std::array<int64_t, 7> ids{kInput, kWeights, kOutput};
  std::array<const void*, 7> pointers{p.input, p.weights, p.output};
  int64_t count = 3;
  const auto name = [&](int64_t id, const void* pointer) {
    ids[static_cast<size_t>(count)] = id;
    pointers[static_cast<size_t>(count++)] = pointer;
  };
  if (scale_) name(kScale, p.scale);
  if (bias_) name(kBias, p.bias);
  if (residual_) name(kResidual, p.residual);
  if (rescale_) name(kRescale, p.rescale);
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set_all(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, ids.data(), count)
      .set_all(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, pointers.data(), count)
      .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, p.workspace);
  if (!pack.finish() || p.workspace_bytes < workspace_bytes_) return cudaErrorInvalidValue;
  if (const cudaError_t error = end_overlap(stream); error != cudaSuccess) return error;
  if (cudnn_library().set_stream(handle, stream) != CUDNN_STATUS_SUCCESS ||
      cudnn_library().execute(handle, plan_, pack.get()) != CUDNN_STATUS_SUCCESS) {
    return cudaErrorUnknown;
  }
  return cudaSuccess;
}

std::vector<std::unique_ptr<CudnnConvPlan>> cudnn_conv_plans(cudnnHandle_t handle, const CudnnConvDescription& conv,
                                                             int most, std::string* why, const std::string* name) {
  std::vector<std::unique_ptr<CudnnConvPlan>> plans;
  for (NamedConfig& item : list_configs(handle, conv, most, why)) {
    if (name != nullptr && item.name != *name) continue;
    Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, handle)
        .set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, item.config);
    if (!plan.finish()) {
      *why = refusal("plan", plan.status());
      continue;
    }
    const size_t workspace = workspace_of(plan.get(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
    if (workspace > conv.most_workspace) {
      *why = "cuDNN wants too much workspace";
      continue;
    }
    auto out = std::unique_ptr<CudnnConvPlan>(new CudnnConvPlan);
    out->plan_ = plan.release();
    out->name_ = item.name;
    out->workspace_bytes_ = workspace;
    out->bias_ = conv.bias;
    out->residual_ = conv.residual;
    out->scale_ = conv.type == CudnnType::kInt8 || conv.type == CudnnType::kFloat8;
    out->rescale_ = conv.rescale;
    plans.push_back(std::move(out));
  }
  if (plans.empty() && why->empty()) *why = "cuDNN has no such engine";
  return plans;
}

std::vector<std::string> cudnn_conv_names(cudnnHandle_t handle, const CudnnConvDescription& conv, int most,
                                          std::string* why) {
  std::vector<std::string> names;
  for (const NamedConfig& item : list_configs(handle, conv, most, why)) names.push_back(item.name);
  return names;
}

}  // namespace halftone::cuda
