// Vectors of 16 floats on AVX-512, and the functions of layers on them.
//
// Everything between BEGIN_AVX512 and END_AVX512 is compiled for AVX-512 and must only run where ci_supports says so.
#pragma once
#if defined(__x86_64__)

#include <c10/util/BFloat16.h>
#include <immintrin.h>

#include <cmath>
#include <cstdint>

#ifdef __clang__
#define BEGIN_AVX512 \
  _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma\"))), apply_to = function)")
#define END_AVX512 _Pragma("clang attribute pop")
#else
#define BEGIN_AVX512 \
  _Pragma("GCC push_options") _Pragma("GCC target(\"avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma\")")
#define END_AVX512 _Pragma("GCC pop_options")
#endif

namespace inference {

constexpr int64_t lanes = 16;

constexpr int64_t roundedUp(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

BEGIN_AVX512

/// The mask of the first `count` of 16 lanes; all for larger counts.
inline __mmask16 firstLanes(int64_t count) { return count >= lanes ? 0xffff : static_cast<__mmask16>((1u << count) - 1); }

inline __m512 load(const float *p) { return _mm512_loadu_ps(p); }
inline __m512 load(const at::BFloat16 *p) {
  return _mm512_castsi512_ps(
      _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(p))), 16));
}
inline __m512 load(const float *p, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, p); }
inline __m512 load(const at::BFloat16 *p, __mmask16 mask) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, p)), 16));
}
inline void store(float *p, __m512 v) { _mm512_storeu_ps(p, v); }
inline void store(at::BFloat16 *p, __m512 v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i *>(p), (__m256i)_mm512_cvtneps_pbh(v));
}
inline void store(float *p, __m512 v, __mmask16 mask) { _mm512_mask_storeu_ps(p, mask, v); }
inline void store(at::BFloat16 *p, __m512 v, __mmask16 mask) {
  _mm256_mask_storeu_epi16(p, mask, (__m256i)_mm512_cvtneps_pbh(v));
}

/// eˣ to 1e-7 of it, by the polynomial of the Cephes library; 0 below −87.
inline __m512 exponential(__m512 x) {
  const __mmask16 tiny = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87), _CMP_LT_OQ);
  x = _mm512_min_ps(_mm512_set1_ps(88), x);  // NaN stays NaN: the second operand is returned
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 8);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
  __m512 y = _mm512_set1_ps(1.9875691500e-4f);
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(1.3981999507e-3f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(8.3334519073e-3f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(4.1665795894e-2f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(1.6666665459e-1f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(5.0000001201e-1f));
  y = _mm512_fmadd_ps(_mm512_mul_ps(y, r), r, _mm512_add_ps(r, _mm512_set1_ps(1)));
  return _mm512_mask_mov_ps(_mm512_scalef_ps(y, n), tiny, _mm512_setzero_ps());
}

/// x · sigmoid(x).
inline __m512 silu(__m512 x) {
  return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1), exponential(_mm512_sub_ps(_mm512_setzero_ps(), x))));
}

/// x · Φ(x), with erf to 1.5e-7 (Abramowitz and Stegun, 7.1.26).
inline __m512 gelu(__m512 x) {
  const __m512 one = _mm512_set1_ps(1), z = _mm512_mul_ps(x, _mm512_set1_ps(0.70710678f)), a = _mm512_abs_ps(z);
  const __m512 t = _mm512_div_ps(one, _mm512_fmadd_ps(a, _mm512_set1_ps(0.3275911f), one));
  __m512 p = _mm512_set1_ps(1.061405429f);
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-1.453152027f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(1.421413741f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-0.284496736f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.254829592f));
  const __m512 e = exponential(_mm512_sub_ps(_mm512_setzero_ps(), _mm512_mul_ps(a, a)));
  const __m512 erf = _mm512_fnmadd_ps(_mm512_mul_ps(p, t), e, one);
  const __m512 half = _mm512_mul_ps(x, _mm512_set1_ps(0.5f));
  return _mm512_fmadd_ps(half, _mm512_or_ps(erf, _mm512_and_ps(z, _mm512_set1_ps(-0.0f))), half);
}

END_AVX512

}  // namespace inference
#endif
