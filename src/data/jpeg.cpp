#include "data/jpeg.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

// It needs the names of <cstdio>, and jerror.h needs its configuration.
#include <jpeglib.h>

#include <jerror.h>

#include "base/error.h"

namespace halftone {
namespace {

constexpr int kMostScans = 200;   // a progressive file needs about ten; each costs a pass over all coefficients
constexpr int kRowsAtOnce = 16;   // the tallest MCU row
constexpr int kChromaMargin = 4;  // smooth upsampling looks one chroma sample aside, which is up to 4 pixels

}  // namespace

struct JpegDecoder::State {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = {};
  std::string name;
  std::vector<std::uint8_t> rows;  // kRowsAtOnce rows, where the area is narrower than what the library gives
};

namespace {

using State = JpegDecoder::State;

[[noreturn]] void give_up(j_common_ptr info) {
  auto& state = *static_cast<State*>(info->client_data);
  info->err->format_message(info, state.message);
  std::longjmp(state.jump, 1);
}

void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_BOGUS_PROGRESSION: give_up(info);
    default: break;  // stray bytes between segments, odd version numbers: the pixels are sound
  }
}

void on_progress(j_common_ptr info) {
  if (!info->is_decompressor) return;
  auto* decompress = reinterpret_cast<j_decompress_ptr>(info);
  if (decompress->input_scan_number <= kMostScans) return;
  auto& state = *static_cast<State*>(info->client_data);
  std::snprintf(state.message, sizeof state.message, "more than %d scans", kMostScans);
  std::longjmp(state.jump, 1);
}

void on_output(j_common_ptr) {}

/// Runs `work`, which may hold nothing that needs a destructor: an error of the library jumps out of it.
template <typename Work>
[[gnu::noinline]] bool guarded(State& state, Work work) {
  if (setjmp(state.jump) != 0) return false;
  work();
  return true;
}

[[noreturn]] void report(State& state) {
  jpeg_abort_decompress(&state.info);
  fail(Code::invalid_model, "{}: damaged JPEG: {}", state.name, state.message);
}

/// Inverted CMYK, as Adobe's programs write it (255 is no ink), to RGB.
void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, int count, bool inverted) {
  for (int i = 0; i < count; ++i) {
    const unsigned flip = inverted ? 0 : 255;
    const unsigned white = cmyk[i * 4 + 3] ^ flip;
    for (int c = 0; c < 3; ++c)
      rgb[i * 3 + c] = static_cast<std::uint8_t>(((cmyk[i * 4 + c] ^ flip) * white + 127) / 255);
  }
}

}  // namespace

bool is_jpeg(std::string_view bytes) { return bytes.substr(0, 3) == "\xff\xd8\xff"; }

JpegDecoder::JpegDecoder() : x_(std::make_unique<State>()) {
  State& state = *x_;
  state.info.err = jpeg_std_error(&state.errors);
  state.errors.error_exit = give_up;
  state.errors.emit_message = on_message;
  state.errors.output_message = on_output;
  state.info.client_data = &state;
  if (!guarded(state, [&] { jpeg_create_decompress(&state.info); }))
    fail(Code::resource_exhausted, "cannot start the JPEG decoder: {}", state.message);
  state.info.client_data = &state;
  state.progress.progress_monitor = on_progress;
  state.info.progress = &state.progress;
}

JpegDecoder::~JpegDecoder() { jpeg_destroy_decompress(&x_->info); }

ImageSize JpegDecoder::open(std::string_view bytes, std::string_view name, std::int64_t largest_image) {
  State& state = *x_;
  state.name = name;
  jpeg_abort_decompress(&state.info);
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  if (!guarded(state, [&] {
        jpeg_mem_src(&state.info, data, bytes.size());
        jpeg_read_header(&state.info, TRUE);
      }))
    report(state);
  const std::int64_t width = state.info.image_width, height = state.info.image_height;
  if (width * height > largest_image) {
    jpeg_abort_decompress(&state.info);
    fail(Code::resource_exhausted, "{}: {}x{} pixels, over the limit of {}", name, width, height, largest_image);
  }
  return {static_cast<int>(width), static_cast<int>(height)};
}

void JpegDecoder::decode(const Rect& area, Image& image) {
  State& state = *x_;
  jpeg_decompress_struct& info = state.info;
  const bool is_cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  info.dct_method = JDCT_ISLOW;
  info.do_fancy_upsampling = TRUE;
  const int channels = is_cmyk ? 4 : 3;
  const auto total_width = static_cast<int>(info.image_width);
  image.reset(area.width, area.height);
  state.rows.resize(static_cast<std::size_t>(total_width) * channels * kRowsAtOnce);

  const bool done = guarded(state, [&] {
    jpeg_start_decompress(&info);
    JDIMENSION left = 0, width = info.output_width;
    if (area.width < total_width) {
      const int begin = std::max(0, area.x - kChromaMargin);
      const int end = std::min(total_width, area.x + area.width + kChromaMargin);
      left = static_cast<JDIMENSION>(begin);
      width = static_cast<JDIMENSION>(end - begin);
      jpeg_crop_scanline(&info, &left, &width);
    }
    if (area.y > 0) jpeg_skip_scanlines(&info, static_cast<JDIMENSION>(area.y));
    const bool direct = !is_cmyk && static_cast<int>(width) == area.width;
    const std::size_t skip = (static_cast<std::size_t>(area.x) - left) * channels;
    JSAMPROW pointers[kRowsAtOnce];
    int y = 0;
    while (y < area.height) {
      const int wanted = std::min(kRowsAtOnce, area.height - y);
      for (int r = 0; r < wanted; ++r)
        pointers[r] = direct ? image.row(y + r) : state.rows.data() + static_cast<std::size_t>(r) * width * channels;
      const auto got = static_cast<int>(jpeg_read_scanlines(&info, pointers, static_cast<JDIMENSION>(wanted)));
      for (int r = 0; r < got && !direct; ++r) {
        if (is_cmyk) cmyk_to_rgb(pointers[r] + skip, image.row(y + r), area.width, info.saw_Adobe_marker);
        else std::memcpy(image.row(y + r), pointers[r] + skip, static_cast<std::size_t>(area.width) * 3);
      }
      y += got;
    }
    if (info.output_scanline >= info.output_height) jpeg_finish_decompress(&info);
  });
  if (!done) report(state);
  if (info.output_scanline < info.output_height) {
    // The rows below the area are not decoded; a file cut off within them still lacks its end marker.
    const std::string_view rest(reinterpret_cast<const char*>(info.src->next_input_byte), info.src->bytes_in_buffer);
    const bool ended = jpeg_has_multiple_scans(&info) || info.unread_marker == JPEG_EOI ||
                       rest.find("\xff\xd9") != std::string_view::npos;
    jpeg_abort_decompress(&info);
    if (!ended) fail(Code::invalid_model, "{}: damaged JPEG: the file ends within the picture", state.name);
  }
}

}  // namespace halftone
