#pragma once

namespace halftone::cuda {

/// halftone::Activation's functions, by its numbers.
__device__ inline float activate(int which, float alpha, float beta, float x) {
  switch (which) {
    case 1: return fmaxf(x, 0.0F);
    case 2: return fminf(fmaxf(x, alpha), beta);
    case 3: return x < 0 ? alpha * x : x;
    case 4: return 1.0F / (1.0F + expf(-x));
    case 5: return tanhf(x);
    case 6: return fminf(fmaxf(fmaf(alpha, x, beta), 0.0F), 1.0F);
    case 7: return x * fminf(fmaxf(x / 6.0F + 0.5F, 0.0F), 1.0F);
    case 8: return x / (1.0F + expf(-x));
    case 9: return x < 0 ? alpha * expm1f(x) : x;
    default: return x;
  }
}

}  // namespace halftone::cuda
