#pragma once

// Included by files compiled for newer CPUs: no inline functions here.
namespace halftone::cpu {

/// A register-only loop: `run(iterations)` does `operations` arithmetic operations an iteration.
struct PeakLoop {
  void (*run)(long iterations);
  double operations;
};

extern const PeakLoop peak_f32_avx2, peak_int8_avx2;
extern const PeakLoop peak_f32_avx512, peak_bf16_avx512, peak_int8_avx512;
extern const PeakLoop peak_bf16_amx, peak_int8_amx;

/// Streams over `bytes` (a multiple of 512) at `data`, `repeats` times.
struct Streams {
  void (*read)(const char* data, long bytes, long repeats);
  void (*write)(char* data, long bytes, long repeats);
  void (*write_past_caches)(char* data, long bytes, long repeats);
};

extern const Streams streams_avx2, streams_avx512;

}  // namespace halftone::cpu
