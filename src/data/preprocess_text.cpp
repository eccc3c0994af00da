#include <charconv>
#include <optional>
#include <vector>

#include "base/error.h"
#include "data/preprocess.h"

namespace halftone {
namespace {

constexpr int kLargestSide = 65536;

constexpr std::string_view kChannelNames[] = {"rgb", "bgr", "gray"};
constexpr std::string_view kLayoutNames[] = {"nchw", "nhwc"};
constexpr std::string_view kResampleNames[] = {"antialias", "plain"};

const std::vector<Preprocess>& presets() {
  static const std::vector<Preprocess> all = {
      {.preset = "torchvision",
       .resize_shorter = 256,
       .scale = 1.0f / 255,
       .mean = {0.485f, 0.456f, 0.406f},
       .std = {0.229f, 0.224f, 0.225f}},
      {.preset = "caffe", .channels = ChannelOrder::bgr, .mean = {104, 117, 123}},
      {.preset = "tf", .mean = {127.5f, 127.5f, 127.5f}, .std = {127.5f, 127.5f, 127.5f}},
      {.preset = "fashion_mnist",
       .crop_width = 28,
       .crop_height = 28,
       .channels = ChannelOrder::gray,
       .scale = 1.0f / 255,
       .mean = {0.2860f, 0.2860f, 0.2860f},
       .std = {0.3530f, 0.3530f, 0.3530f}},
      {.preset = "raw"},
  };
  return all;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

[[noreturn]] void refuse(std::string_view key, std::string_view value, std::string_view wanted) {
  fail(Code::invalid_argument, "preprocessing: {}={}: not {}", key, value, wanted);
}

int side(std::string_view key, std::string_view value, int least) {
  const auto parsed = number<int>(value);
  if (!parsed || *parsed < least || *parsed > kLargestSide)
    refuse(key, value, fmt::format("a size in pixels from {} to {}", least, kLargestSide));
  return *parsed;
}

float real(std::string_view key, std::string_view value) {
  const auto parts = split(value, '/');
  const auto top = number<float>(parts[0]);
  const auto bottom = parts.size() > 1 ? number<float>(parts[1]) : 1.0f;
  if (parts.size() > 2 || !top || !bottom || !(std::abs(*top / *bottom) <= 3.4e38f))
    refuse(key, value, "a finite number or a fraction");
  return *top / *bottom;
}

std::array<float, 3> reals(std::string_view key, std::string_view value) {
  const auto parts = split(value, ':');
  if (parts.size() != 1 && parts.size() != 3) refuse(key, value, "one number or three with ':' between them");
  std::array<float, 3> result{};
  for (std::size_t i = 0; i < 3; ++i) result[i] = real(key, parts[parts.size() == 1 ? 0 : i]);
  return result;
}

template <typename Enum, std::size_t N>
Enum choice(std::string_view key, std::string_view value, const std::string_view (&names)[N]) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == value) return static_cast<Enum>(i);
  refuse(key, value, fmt::format("one of {}", fmt::join(names, ", ")));
}

void set(Preprocess& preprocess, std::string_view key, std::string_view value) {
  if (key == "resize") {
    preprocess.resize_shorter = side(key, value, 0);
  } else if (key == "crop") {
    const auto sides = split(value, 'x');
    if (value == "input") {
      preprocess.crop_width = preprocess.crop_height = 0;
    } else {
      if (sides.size() > 2) refuse(key, value, "N, WxH or input");
      preprocess.crop_width = side(key, sides.front(), 1);
      preprocess.crop_height = side(key, sides.back(), 1);
    }
  } else if (key == "channels") {
    preprocess.channels = choice<ChannelOrder>(key, value, kChannelNames);
  } else if (key == "scale") {
    preprocess.scale = real(key, value);
  } else if (key == "mean") {
    preprocess.mean = reals(key, value);
  } else if (key == "std") {
    preprocess.std = reals(key, value);
    for (const float deviation : preprocess.std)
      if (deviation == 0) refuse(key, value, "different from 0");
  } else if (key == "layout") {
    preprocess.layout = choice<Layout>(key, value, kLayoutNames);
  } else if (key == "dtype") {
    if (value != "f32" && value != "u8") refuse(key, value, "one of f32, u8");
    preprocess.dtype = value == "u8" ? DType::u8 : DType::f32;
  } else if (key == "resample") {
    preprocess.resample = choice<Resample>(key, value, kResampleNames);
  } else {
    fail(Code::invalid_argument,
         "preprocessing: unknown key '{}'; known are resize, crop, channels, scale, mean, std, layout, dtype, resample",
         key);
  }
}

}  // namespace

std::vector<std::string_view> preprocess_presets() {
  std::vector<std::string_view> names;
  for (const auto& preset : presets()) names.push_back(preset.preset);
  return names;
}

Preprocess parse_preprocess(std::string_view text) {
  const auto parts = split(text, ',');
  for (const auto& preset : presets()) {
    if (preset.preset != parts[0]) continue;
    Preprocess preprocess = preset;
    for (std::size_t i = 1; i < parts.size(); ++i) {
      const std::size_t equals = parts[i].find('=');
      if (equals == std::string_view::npos)
        fail(Code::invalid_argument, "preprocessing: '{}' is not KEY=VALUE", parts[i]);
      set(preprocess, parts[i].substr(0, equals), parts[i].substr(equals + 1));
    }
    return preprocess;
  }
  fail(Code::invalid_argument, "preprocessing: unknown preset '{}'; known are {}", parts[0],
       fmt::join(preprocess_presets(), ", "));
}

std::string Preprocess::text() const {
  const std::string crop = crop_width == 0 ? "input" : fmt::format("{}x{}", crop_width, crop_height);
  return fmt::format("{},resize={},crop={},channels={},scale={},mean={},std={},layout={},dtype={},resample={}", preset,
                     resize_shorter, crop, kChannelNames[static_cast<int>(channels)], scale, fmt::join(mean, ":"),
                     fmt::join(std, ":"), kLayoutNames[static_cast<int>(layout)], name(dtype),
                     kResampleNames[static_cast<int>(resample)]);
}

}  // namespace halftone
