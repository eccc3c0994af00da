#pragma once
#include "cuda/conv_cutlass.h"

#define CUTLASS_ENABLE_GDC_FOR_SM90  // its kernels wait for those before them, and release the next

#include <cutlass/cutlass.h>

#include <cutlass/gemm/device/gemm_universal_adapter.h>
#include <cutlass/epilogue/collective/collective_builder.hpp>
#include <cutlass/epilogue/fusion/sm90_callbacks_tma_warpspecialized.hpp>
#include <cutlass/gemm/collective/collective_builder.hpp>
#include <cutlass/gemm/kernel/gemm_universal.hpp>
#include <type_traits>

#include "cuda/launch.h"

/// Ping-pong kernels of CUTLASS 3: of two groups of warps one multiplies its tile while the other writes its own.
namespace halftone::cuda::cutlass_product {

using cute::_1;
using cute::Int;
using cute::Shape;
namespace collective = cutlass::gemm::collective;
namespace fusion = cutlass::epilogue::fusion;

/// A block makes kRows pixels x kColumns channels at a time. Element is CUTLASS's name of the type.
template <typename Element, int kRows, int kColumns, bool kResidual>
struct Product {
  using Acc = std::conditional_t<std::is_same_v<Element, int8_t>, int32_t, float>;
  using Tile = Shape<Int<kRows>, Int<kColumns>, Int<128 / sizeof(Element)>>;
  using Cluster = Shape<_1, _1, _1>;
  static constexpr int kAlignment = 16 / sizeof(Element);
  static constexpr auto kRound = cutlass::FloatRoundStyle::round_to_nearest;

  using PerChannel = fusion::Sm90RowBroadcast<0, Tile, float>;
  using MultiplyAdd = fusion::Sm90Compute<cutlass::homogeneous_multiply_add, float, float, kRound>;
  using Scaled = fusion::Sm90EVT<MultiplyAdd, PerChannel, fusion::Sm90AccFetch, PerChannel>;
  using Added = fusion::Sm90EVT<MultiplyAdd, fusion::Sm90ScalarBroadcast<float>, fusion::Sm90SrcFetch<Element>, Scaled>;
  using Bounded = fusion::Sm90EVT<fusion::Sm90Compute<cutlass::epilogue::thread::Clamp, Element, float, kRound>,
                                  std::conditional_t<kResidual, Added, Scaled>>;

  using Epilogue = typename cutlass::epilogue::collective::CollectiveBuilder<
      cutlass::arch::Sm90, cutlass::arch::OpClassTensorOp, Tile, Cluster,
      cutlass::epilogue::collective::EpilogueTileAuto, Acc, float, std::conditional_t<kResidual, Element, void>,
      cutlass::layout::RowMajor, kAlignment, Element, cutlass::layout::RowMajor, kAlignment,
      cutlass::epilogue::TmaWarpSpecialized, Bounded>::CollectiveOp;
  using Stages = collective::StageCountAutoCarveout<static_cast<int>(sizeof(typename Epilogue::SharedStorage))>;
  // Sums of fp8 products in the tensor core keep 14 bits, of which the result rounds to 4.
  using Schedule = std::conditional_t<std::is_same_v<Element, cutlass::float_e4m3_t>,
                                      cutlass::gemm::KernelTmaWarpSpecializedPingpongFP8FastAccum,
                                      cutlass::gemm::KernelTmaWarpSpecializedPingpong>;
  using Loop = typename collective::CollectiveBuilder<
      cutlass::arch::Sm90, cutlass::arch::OpClassTensorOp, Element, cutlass::layout::RowMajor, kAlignment, Element,
      cutlass::layout::ColumnMajor, kAlignment, Acc, Tile, Cluster, Stages, Schedule>::CollectiveOp;
  using Kernel = cutlass::gemm::kernel::GemmUniversal<Shape<int, int, int, int>, Loop, Epilogue>;
  using Gemm = cutlass::gemm::device::GemmUniversalAdapter<Kernel>;

  static typename Gemm::Arguments arguments(const ConvParams& p) {
    const auto rows_of = [](int pitch) { return cute::make_stride(int64_t{pitch}, _1{}, int64_t{0}); };
    typename Gemm::Arguments a;
    a.mode = cutlass::gemm::GemmUniversalMode::kGemm;
    a.problem_shape = {static_cast<int>(output_pixels(p)), p.outputs, p.channels, 1};
    a.mainloop = {static_cast<const Element*>(p.input), rows_of(p.input_pitch), static_cast<const Element*>(p.weights),
                  rows_of(p.channels)};
    a.epilogue.ptr_D = static_cast<Element*>(p.output);
    a.epilogue.dD = rows_of(p.output_pitch);
    a.epilogue.dC = rows_of(p.outputs);
    const typename Scaled::Arguments scaled = {{p.scale, 1.0F}, {}, {p.bias, 0.0F}, {}};
    if constexpr (kResidual) {
      a.epilogue.ptr_C = static_cast<const Element*>(p.residual);
      a.epilogue.thread = {{{{p.residual_scale}}, {}, scaled, {}}, {p.low, p.high}};
    } else {
      a.epilogue.thread = {scaled, {p.low, p.high}};
    }
    cudaGetDevice(&a.hw_info.device_id);
    cudaDeviceGetAttribute(&a.hw_info.sm_count, cudaDevAttrMultiProcessorCount, a.hw_info.device_id);
    return a;
  }

  static cudaError_t launch(const ConvParams& p, cudaStream_t stream) {
    const auto a = arguments(p);
    if (Gemm::can_implement(a) != cutlass::Status::kSuccess) return cudaErrorNotSupported;
    if (p.workspace_bytes < Gemm::get_workspace_size(a)) return cudaErrorInvalidValue;
    Gemm gemm;
    if (gemm.initialize(a, p.workspace, stream) != cutlass::Status::kSuccess ||
        gemm.run(stream, nullptr, begin_overlap(stream)) != cutlass::Status::kSuccess) {
      const cudaError_t error = cudaGetLastError();
      return error == cudaSuccess ? cudaErrorUnknown : error;
    }
    return cudaSuccess;
  }

  static size_t workspace(const ConvParams& p) { return Gemm::get_workspace_size(arguments(p)); }
};

template <typename Element, int kRows, int kColumns, bool kResidual>
constexpr CutlassConfig config(std::string_view name) {
  using P = Product<Element, kRows, kColumns, kResidual>;
  return {name, kResidual, P::launch, P::workspace};
}

template <typename Element>
std::span<const CutlassConfig> table() {
  static constexpr CutlassConfig kTable[] = {
      config<Element, 128, 128, false>("128x128"),
      config<Element, 128, 64, false>("128x64"),
      config<Element, 128, 128, true>("128x128"),
  };
  return kTable;
}

}  // namespace halftone::cuda::cutlass_product
