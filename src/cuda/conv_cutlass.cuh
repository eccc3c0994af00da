#pragma once
#include "cuda/conv_cutlass.h"

#define CUTLASS_ENABLE_GDC_FOR_SM90  // its kernels wait for those before them, and release the next

#include <cutlass/cutlass.h>

// The parts of these kernels alone: CUTLASS's builders and adapter bring in those of all architectures.
#include <cutlass/gemm/kernel/gemm_universal_decl.h>
#include <cutlass/gemm/collective/builders/sm90_gmma_builder.inl>
#include <cutlass/gemm/collective/collective_builder_decl.hpp>
#include <cutlass/gemm/collective/collective_mma_decl.hpp>
#include <cutlass/gemm/collective/sm90_mma_tma_gmma_ss_warpspecialized.hpp>
#include <cutlass/gemm/collective/sm90_mma_tma_gmma_ss_warpspecialized_fp8.hpp>
#include <cutlass/gemm/kernel/sm90_gemm_tma_warpspecialized_pingpong.hpp>

namespace cutlass::epilogue::collective {
template <typename Policy, typename... Arguments>
class CollectiveEpilogue;
}

#include <cutlass/epilogue/collective/sm90_epilogue_tma_warpspecialized.hpp>

#include <cutlass/device_kernel.h>
#include <algorithm>
#include <atomic>
#include <cutlass/epilogue/collective/builders/sm90_common.inl>
#include <cutlass/epilogue/fusion/sm90_callbacks_tma_warpspecialized.hpp>
#include <type_traits>

#include "cuda/launch.h"
#include "cuda/shared_limit.h"

/// Ping-pong kernels of CUTLASS 3: of two groups of warps one multiplies its tile while the other writes its own.
namespace halftone::cuda::cutlass_product {

using cute::_1;
using cute::Int;
using cute::Shape;
namespace collective = cutlass::gemm::collective;
namespace fusion = cutlass::epilogue::fusion;
namespace epilogue = cutlass::epilogue::collective::detail;

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

  // What CUTLASS's builder of epilogues chooses.
  static constexpr int kOutRows = 64;
  static constexpr int kOutColumns = sizeof(Element) == 1 ? 64 : 32;
  static constexpr int kOutTiles = kRows / kOutRows * (kColumns / kOutColumns);
  static constexpr bool kReuse = kResidual && sizeof(Element) > 1;
  using Strides = cutlass::detail::TagToStrideC_t<cutlass::layout::RowMajor>;
  using OutTile = Shape<Int<kOutRows>, Int<kOutColumns>>;
  using OutLayout =
      decltype(collective::detail::ss_smem_selector<cute::GMMA::Major::K, Element, Int<kOutRows>, Int<kOutColumns>>());
  using Epilogue = cutlass::epilogue::collective::CollectiveEpilogue<
      cutlass::epilogue::Sm90TmaWarpSpecialized<std::min(kOutTiles, 4), 2, kOutRows * kOutColumns / 128, kReuse,
                                                !kResidual>,
      Tile, OutTile, std::conditional_t<kResidual, Element, void>, Strides, Element, Strides, Bounded,
      cute::SM90_TMA_LOAD, OutLayout, decltype(epilogue::sm90_get_smem_load_op_for_source<Strides, Element, OutTile>()),
      cute::SM90_TMA_STORE, OutLayout,
      decltype(epilogue::sm90_get_smem_store_op_for_accumulator<Strides, Element, OutTile>()),
      cute::Copy_Atom<cute::SM90_U32x4_STSM_N, cutlass::half_t>, void>;
  using Stages = collective::StageCountAutoCarveout<static_cast<int>(sizeof(typename Epilogue::SharedStorage))>;
  // Sums of fp8 products in the tensor core keep 14 bits, of which the result rounds to 4.
  using Schedule = std::conditional_t<std::is_same_v<Element, cutlass::float_e4m3_t>,
                                      cutlass::gemm::KernelTmaWarpSpecializedPingpongFP8FastAccum,
                                      cutlass::gemm::KernelTmaWarpSpecializedPingpong>;
  using Loop = typename collective::CollectiveBuilder<
      cutlass::arch::Sm90, cutlass::arch::OpClassTensorOp, Element, cutlass::layout::RowMajor, kAlignment, Element,
      cutlass::layout::ColumnMajor, kAlignment, Acc, Tile, Cluster, Stages, Schedule>::CollectiveOp;
  using Kernel = cutlass::gemm::kernel::GemmUniversal<Shape<int, int, int, int>, Loop, Epilogue>;

  static typename Kernel::Arguments arguments(const ConvParams& p) {
    const auto rows_of = [](int pitch) { return cute::make_stride(int64_t{pitch}, _1{}, int64_t{0}); };
    typename Kernel::Arguments a;
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
    if (!Kernel::can_implement(a)) return cudaErrorNotSupported;
    if (p.workspace_bytes < Kernel::get_workspace_size(a)) return cudaErrorInvalidValue;
    auto* kernel = cutlass::device_kernel<Kernel>;
    static std::atomic<std::uint64_t> allowed{0};
    if (const cudaError_t error = allow_shared(kernel, Kernel::SharedStorageSize, allowed); error != cudaSuccess) {
      return error;
    }
    if (Kernel::initialize_workspace(a, p.workspace, stream) != cutlass::Status::kSuccess) return cudaErrorUnknown;
    const auto params = Kernel::to_underlying_arguments(a, p.workspace);
    return launch_overlapping(kernel, Kernel::get_grid_shape(params), Kernel::get_block_shape(),
                              Kernel::SharedStorageSize, stream, params);
  }

  static size_t workspace(const ConvParams& p) { return Kernel::get_workspace_size(arguments(p)); }
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
