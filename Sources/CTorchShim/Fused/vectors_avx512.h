// Vectors of 16 floats, for kernels on AVX-512.
#pragma once
#if defined(__x86_64__)
#include "vectors.h"

BEGIN_AVX512

namespace inference::avx512 {

using Vector = __m512;
using Mask = __mmask16;

constexpr int64_t lanes = 16;

/// The mask of the first `count` lanes; all for larger counts.
inline Mask firstLanes(int64_t count) { return count >= lanes ? 0xffff : static_cast<Mask>((1u << count) - 1); }

inline Vector load(const float *p) { return _mm512_loadu_ps(p); }
inline Vector load(const float *p, Mask mask) { return _mm512_maskz_loadu_ps(mask, p); }
inline Vector load(const at::BFloat16 *p, Mask mask) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, p)), 16));
}
inline void store(float *p, Vector v) { _mm512_storeu_ps(p, v); }
inline void store(float *p, Vector v, Mask mask) { _mm512_mask_storeu_ps(p, mask, v); }
inline void store(at::BFloat16 *p, Vector v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i *>(p), (__m256i)_mm512_cvtneps_pbh(v));
}
inline void store(at::BFloat16 *p, Vector v, Mask mask) { _mm256_mask_storeu_epi16(p, mask, (__m256i)_mm512_cvtneps_pbh(v)); }

/// Values in bfloat16, in the lower halves of words.
inline __m512i rounded(Vector v) { return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(v)); }

/// Stores the values of two vectors in turn, as matrix products read bfloat16.
inline void storePairs(at::BFloat16 *p, Vector first, Vector second, Mask mask) {
  _mm512_mask_storeu_epi32(p, mask, _mm512_or_si512(rounded(first), _mm512_slli_epi32(rounded(second), 16)));
}

inline Vector splat(float x) { return _mm512_set1_ps(x); }
/// a · b + c, and c − a · b.
inline Vector fmadd(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
inline Vector fnmadd(Vector a, Vector b, Vector c) { return _mm512_fnmadd_ps(a, b, c); }
/// The lesser and the greater; `b` where one is NaN.
inline Vector minimum(Vector a, Vector b) { return _mm512_min_ps(a, b); }
inline Vector maximum(Vector a, Vector b) { return _mm512_max_ps(a, b); }
inline float largest(Vector v) { return _mm512_reduce_max_ps(v); }
inline float sum(Vector v) { return _mm512_reduce_add_ps(v); }
inline Vector absolute(Vector v) { return _mm512_abs_ps(v); }
/// `v`, which is not negative, with the sign of `other`.
inline Vector withSign(Vector v, Vector other) { return _mm512_or_ps(v, _mm512_and_ps(other, splat(-0.0f))); }
inline Vector toInteger(Vector v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/// v · 2ⁿ, of whole n in −126…127.
inline Vector timesPowerOf2(Vector v, Vector n) { return _mm512_scalef_ps(v, n); }
/// `v` where `x` is not below `limit`, else 0.
inline Vector zeroBelow(Vector limit, Vector x, Vector v) {
  return _mm512_mask_mov_ps(v, _mm512_cmp_ps_mask(x, limit, _CMP_LT_OQ), _mm512_setzero_ps());
}

/// Sixteen rows of sixteen words of 32 bits, transposed.
inline void transpose(const void *from, int64_t fromRow, void *to, int64_t toRow) {
  __m512i r[16], t[16];
  for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_si512(static_cast<const int32_t *>(from) + i * fromRow);
  for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; i++) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
  }
  for (int i = 0; i < 8; i++) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
    r[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
  }
  for (int i = 0; i < 16; i++) _mm512_storeu_si512(static_cast<int32_t *>(to) + i * toRow, r[i]);
}

}  // namespace inference::avx512

END_TARGET
#endif
