#include "cpu/pointwise.h"

#include <omp.h>

#include <algorithm>
#include <charconv>

#include "backend/backend.h"
#include "cpu/affine_of.h"
#include "cpu/pack_panels.h"

// FusedConv with a 1x1 kernel (of any stride) as a product of our own, f32 or 8-bit.
namespace halftone::cpu {
namespace {

/// Rows and columns of a task; a config is "rows x columns".
struct Tiling {
  std::int64_t rows, columns;
  std::string text() const { return fmt::format("{}x{}", rows, columns); }
};

std::int64_t up(std::int64_t value, std::int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

std::vector<Tiling> tilings(const FusedConv& conv, const Panels& isa) {
  const std::int64_t rows = conv.n * conv.oh * conv.ow;
  const std::int64_t row_bytes = conv.c * (conv.is_int8() ? isa.prepared_bytes : 4);
  const std::int64_t all_rows = up(rows, isa.rows), all_columns = up(conv.o, isa.panel);
  const auto fit = [&](std::int64_t bytes) {
    return std::min(std::max(bytes / row_bytes / isa.rows * isa.rows, std::int64_t{2 * isa.rows}), all_rows);
  };
  const auto panels = [&](std::int64_t count) { return std::min(count * isa.panel, all_columns); };
  const std::int64_t in_l1 = fit(24 << 10), in_l2 = fit(256 << 10);
  std::vector<Tiling> list;
  if (rows <= 4 * in_l1 && conv.o >= 4 * isa.panel) list.push_back({all_rows, panels(2)});  // many weights, few rows
  list.push_back({in_l2, all_columns});
  list.push_back({in_l1, all_columns});
  list.push_back({in_l2, panels(4)});
  list.push_back({fit(1 << 20), panels(2)});
  std::vector<Tiling> distinct;
  for (const auto& tiling : list)
    if (std::none_of(distinct.begin(), distinct.end(), [&](const Tiling& t) { return t.text() == tiling.text(); }))
      distinct.push_back(tiling);
  return distinct;
}

Tiling parse(std::string_view config) {
  Tiling tiling{6, 64};
  const auto cross = config.find('x');
  std::from_chars(config.data(), config.data() + cross, tiling.rows);
  std::from_chars(config.data() + cross + 1, config.data() + config.size(), tiling.columns);
  return tiling;
}

class PointwiseConv : public Prepared {
 public:
  PointwiseConv(const PrepareContext& context, const FusedConv& conv, const Pointwise& isa)
      : conv_(conv), isa_(isa), tiling_(parse(context.config)), threads_(std::max(1, context.threads)) {
    const Panels& panels = isa.panels;
    const Tensor& w = context.constants[FusedConv::kW];
    std::vector<float> shift;
    if (conv.is_int8()) {
      prepare_ = panels.always_prepares || conv.x_type == DType::i8 || conv.c % panels.dot != 0;
      const Quantisation q = quantisation_of(context.constants[FusedConv::kQuantisation]);
      const float zero = q.x_zero + static_cast<float>(conv.x_type == DType::i8 ? panels.signed_shift : 0);
      shift.resize(static_cast<std::size_t>(conv.o));
      const auto values = w.data<std::int8_t>();
      for (std::size_t i = 0; i < values.size(); ++i)
        shift[i / static_cast<std::size_t>(conv.c)] += zero * static_cast<float>(values[i]);
    }
    affine_ = affine_of(conv, context.constants, shift);
    weights_ = context.weights.get(w, fmt::format("panels {} {}", panels.panel, panels.weight_bytes),
                                   [&] { return pack_panels(w, conv.o, conv.c, panels); });
    if (prepare_) scratch_ = static_cast<std::size_t>(up(tiling_.rows * up(conv.c, panels.dot) / panels.dot * 4, 64));
  }

  std::size_t workspace_bytes() const override { return scratch_ * static_cast<std::size_t>(threads_); }
  int in_place_input() const override {
    return conv_.has_residual && size_of(conv_.residual_type) == size_of(conv_.y_type) ? int{FusedConv::kResidual} : -1;
  }
  bool reads_constant(std::size_t) const override { return false; }

  void run(const RunArgs& args) const override {
    const auto element = static_cast<long>(size_of(conv_.x_type));
    const bool dense = conv_.stride_h == 1 && conv_.stride_w == 1;
    const std::int64_t rows = conv_.n * conv_.oh * conv_.ow;
    PointwiseTask whole{};
    whole.depth = static_cast<int>(conv_.c);
    whole.weights = weights_.raw();
    whole.out = destination(conv_, affine_, args);
    whole.sign_flip = conv_.x_type == DType::i8 ? 0x80 : 0;
    whole.prepare = prepare_;
    whole.pixel_stride = conv_.c * element * conv_.stride_w;
    whole.row_length = dense ? rows : conv_.ow;
    whole.line_stride = conv_.w * conv_.c * element * conv_.stride_h;
    const auto* x = static_cast<const char*>(args.inputs[FusedConv::kX]);
    const std::int64_t images = dense ? 1 : conv_.n, image_rows = rows / images;
    const std::int64_t row_tasks = (image_rows + tiling_.rows - 1) / tiling_.rows;
    const std::int64_t column_tasks = (conv_.o + tiling_.columns - 1) / tiling_.columns;
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (std::int64_t i = 0; i < images * row_tasks * column_tasks; ++i) {
      const std::int64_t column = i % column_tasks, row = i / column_tasks % row_tasks,
                         image = i / column_tasks / row_tasks;
      PointwiseTask task = whole;
      task.x = x + image * conv_.h * conv_.w * conv_.c * element;
      const std::int64_t out = image * image_rows * conv_.o;
      task.out.y = static_cast<char*>(whole.out.y) + out * static_cast<std::int64_t>(size_of(conv_.y_type));
      if (whole.out.residual)
        task.out.residual = static_cast<const char*>(whole.out.residual) +
                            out * static_cast<std::int64_t>(size_of(conv_.residual_type));
      task.row_begin = row * tiling_.rows;
      task.row_end = std::min(image_rows, task.row_begin + tiling_.rows);
      task.column_begin = static_cast<int>(column * tiling_.columns);
      task.column_end = static_cast<int>(std::min(conv_.o, (column + 1) * tiling_.columns));
      task.scratch =
          static_cast<unsigned char*>(args.workspace) + scratch_ * static_cast<std::size_t>(omp_get_thread_num());
      (conv_.is_int8() ? isa_.int8 : isa_.f32)(task);
    }
  }

 private:
  FusedConv conv_;
  const Pointwise& isa_;
  Tiling tiling_;
  int threads_;
  bool prepare_ = false;
  std::size_t scratch_ = 0;
  OwnedAffine affine_;
  Tensor weights_;
};

struct Avx2 {
  static constexpr const Pointwise& kTable = pointwise_avx2;
  static constexpr const char* kFeature = "avx2";
};
struct Avx512 {
  static constexpr const Pointwise& kTable = pointwise_avx512;
  static constexpr const char* kFeature = "avx512";
};

template <typename Isa>
Support supports(const Problem& problem, const Backend& backend) {
  if (problem.op != "FusedConv") return Support::no("not a FusedConv");
  if (!backend.has(Isa::kFeature)) return Support::no(fmt::format("no {} here", Isa::kFeature));
  if (std::string_view(Isa::kFeature) == "avx2" && backend.has("avx512"))
    return Support::no("avx512.pointwise is newer");
  const FusedConv conv = fused_conv_of(problem);
  if (!conv.pointwise() || conv.group != 1) return Support::no("not a 1x1 convolution without padding");
  if (conv.is_int8() && backend.has("amx_int8")) return Support::no("AMX multiplies bytes eight times as fast");
  if (conv.x_type != DType::f32 && !conv.is_int8()) return Support::no("x is neither f32 nor 8-bit");
  if (problem.output().shape.count() == 0 || conv.c == 0) return Support::no("it is empty");
  if (conv.c > 1 << 16 || conv.o > 1 << 24) return Support::no("sums of more than 2^16 products");
  return is_affine(problem, conv);
}

template <typename Isa>
std::vector<std::string> configs(const Problem& problem, const Backend&) {
  std::vector<std::string> names;
  for (const auto& tiling : tilings(fused_conv_of(problem), Isa::kTable.panels)) names.push_back(tiling.text());
  return names;
}

template <typename Isa>
std::unique_ptr<Prepared> prepare(const PrepareContext& context) {
  return std::make_unique<PointwiseConv>(context, fused_conv_of(context.problem), Isa::kTable);
}

}  // namespace

extern const Kernel kernel_avx2_pointwise, kernel_avx512_pointwise;
const Kernel kernel_avx2_pointwise{"avx2.pointwise", supports<Avx2>, configs<Avx2>, prepare<Avx2>};
const Kernel kernel_avx512_pointwise{"avx512.pointwise", supports<Avx512>, configs<Avx512>, prepare<Avx512>};

}  // namespace halftone::cpu
