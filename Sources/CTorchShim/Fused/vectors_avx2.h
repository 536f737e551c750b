// Vectors of 8 floats, for kernels on AVX2. bfloat16 has none: products of it need AVX-512.
#pragma once
#if defined(__x86_64__)
#include "vectors.h"

BEGIN_AVX2

namespace inference::avx2 {

using Vector = __m256;

constexpr int64_t lanes = 8;

/// Some of the lanes. Most vectors are whole, and a masked store takes many times longer on some processors.
struct Mask {
  __m256i bits;
  bool all;
};

/// The mask of the first `count` lanes; all for larger counts.
inline Mask firstLanes(int64_t count) {
  alignas(64) static constexpr int32_t ones[2 * lanes] = {-1, -1, -1, -1, -1, -1, -1, -1};
  const bool all = count >= lanes;
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i *>(ones + (all ? 0 : lanes - count))), all};
}

inline Vector load(const float *p) { return _mm256_loadu_ps(p); }
inline Vector load(const float *p, Mask mask) { return mask.all ? load(p) : _mm256_maskload_ps(p, mask.bits); }
inline void store(float *p, Vector v) { _mm256_storeu_ps(p, v); }
inline void store(float *p, Vector v, Mask mask) {
  if (mask.all)
    store(p, v);
  else
    _mm256_maskstore_ps(p, mask.bits, v);
}

inline Vector splat(float x) { return _mm256_set1_ps(x); }
/// a · b + c, and c − a · b.
inline Vector fmadd(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
inline Vector fnmadd(Vector a, Vector b, Vector c) { return _mm256_fnmadd_ps(a, b, c); }
/// The lesser and the greater; `b` where one is NaN.
inline Vector minimum(Vector a, Vector b) { return _mm256_min_ps(a, b); }
inline Vector maximum(Vector a, Vector b) { return _mm256_max_ps(a, b); }
inline float largest(Vector v) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}
inline float sum(Vector v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
inline Vector absolute(Vector v) { return _mm256_andnot_ps(splat(-0.0f), v); }
/// `v`, which is not negative, with the sign of `other`.
inline Vector withSign(Vector v, Vector other) { return _mm256_or_ps(v, _mm256_and_ps(other, splat(-0.0f))); }
inline Vector toInteger(Vector v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/// v · 2ⁿ, of whole n in −126…127.
inline Vector timesPowerOf2(Vector v, Vector n) {
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_mul_ps(v, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}
/// `v` where `x` is not below `limit`, else 0.
inline Vector zeroBelow(Vector limit, Vector x, Vector v) { return _mm256_andnot_ps(_mm256_cmp_ps(x, limit, _CMP_LT_OQ), v); }

/// Eight rows of eight words of 32 bits, transposed.
inline void transpose(const void *from, int64_t fromRow, void *to, int64_t toRow) {
  __m256 r[8], t[8];
  for (int i = 0; i < 8; i++) r[i] = load(static_cast<const float *>(from) + i * fromRow);
  for (int i = 0; i < 4; i++) {
    t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 2; i++) {
    r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
    r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
    r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
    r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
  }
  for (int i = 0; i < 4; i++) {
    store(static_cast<float *>(to) + i * toRow, _mm256_permute2f128_ps(r[i], r[4 + i], 0x20));
    store(static_cast<float *>(to) + (4 + i) * toRow, _mm256_permute2f128_ps(r[i], r[4 + i], 0x31));
  }
}

}  // namespace inference::avx2

END_TARGET
#endif
