// Multi-head attention over sequences that are short enough for all logits of a block of queries to stay in the cache.
#include "CInference.h"
#include "bridge.h"

#if defined(__x86_64__)
#include "weights.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

namespace {

using namespace inference;

constexpr int64_t block = 64;  // queries
constexpr int64_t longest = 1024;  // keys
constexpr float masked = -1e30f;

/// Sizes of one call, and the distances between rows in elements.
struct Sizes {
  int64_t images, heads, queries, keys, depth;  // depth: channels of a head
  int64_t queryRow, keyRow, valueRow;

  int64_t width() const { return heads * depth; }
  int64_t padded() const { return roundedUp(keys, lanes); }  // keys that are computed
};

/// Buffers of one head.
template <class E> struct Buffers {
  E *keys, *values, *weights;
  float *logits, *mixed;

  static int64_t bytes(const Sizes &s) {
    return s.padded() * ((2 * s.depth + block) * int64_t(sizeof(E)) + block * int64_t(sizeof(float))) +
           block * roundedUp(s.depth, lanes) * int64_t(sizeof(float)) + 5 * 64;
  }

  Buffers(char *memory, const Sizes &s) {
    const auto take = [&](int64_t bytes) {
      char *const place = memory;
      memory += roundedUp(bytes, 64);
      return place;
    };
    keys = reinterpret_cast<E *>(take(s.padded() * s.depth * int64_t(sizeof(E))));
    values = reinterpret_cast<E *>(take(s.padded() * s.depth * int64_t(sizeof(E))));
    weights = reinterpret_cast<E *>(take(s.padded() * block * int64_t(sizeof(E))));
    logits = reinterpret_cast<float *>(take(s.padded() * block * int64_t(sizeof(float))));
    mixed = reinterpret_cast<float *>(take(block * roundedUp(s.depth, lanes) * int64_t(sizeof(float))));
  }
};

BEGIN_AVX512

/// Sixteen rows of sixteen words of 32 bits, transposed.
inline void transpose16(const void *from, int64_t fromRow, void *to, int64_t toRow) {
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

/// Keys as a right-hand side: words of 32 bits (a float32, or two bfloat16 of a key) transposed, zeros for padding.
template <class E> void packKeys(const E *from, const Sizes &s, E *to) {
  constexpr int64_t pair = 4 / int64_t(sizeof(E));
  const int64_t words = s.depth / pair, padded = s.padded();
  int32_t *const out = reinterpret_cast<int32_t *>(to);
  for (int64_t i = 0; i < padded; i += lanes) {
    int64_t j = 0;
    if (i + lanes <= s.keys)
      for (; j + lanes <= words; j += lanes)
        transpose16(from + i * s.keyRow + j * pair, s.keyRow / pair, out + j * padded + i, padded);
    for (; j < words; j++)
      for (int64_t k = i; k < i + lanes; k++) {
        int32_t word = 0;
        if (k < s.keys) std::memcpy(&word, from + k * s.keyRow + j * pair, 4);
        out[j * padded + k] = word;
      }
  }
}

/// Values as a right-hand side: rows in pairs for bfloat16, zeros for padding.
void packValues(const at::BFloat16 *from, const Sizes &s, at::BFloat16 *to) {
  for (int64_t i = 0; i < s.padded(); i += 2)
    for (int64_t c = 0; c < s.depth; c += lanes) {
      const __mmask16 mask = firstLanes(s.depth - c);
      const auto row = [&](int64_t k) {
        if (k >= s.keys) return _mm512_setzero_si512();
        return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, from + k * s.valueRow + c));
      };
      _mm512_mask_storeu_epi32(to + i * s.depth + 2 * c, mask, _mm512_or_si512(row(i), _mm512_slli_epi32(row(i + 1), 16)));
    }
}
void packValues(const float *from, const Sizes &s, float *to) {
  for (int64_t i = 0; i < s.padded(); i++)
    for (int64_t c = 0; c < s.depth; c += lanes) {
      const __mmask16 mask = firstLanes(s.depth - c);
      store(to + i * s.depth + c, i < s.keys ? load(from + i * s.valueRow + c, mask) : _mm512_setzero_ps(), mask);
    }
}

/// exp(scale · (logit − the largest)) of a row; returns 1 / their sum.
template <class E> float softmaxRow(const float *logits, const float *offsets, int64_t count, float scale, E *to) {
  __m512 most = _mm512_set1_ps(-INFINITY);
  const auto logit = [&](int64_t i) { return offsets ? _mm512_add_ps(load(logits + i), load(offsets + i)) : load(logits + i); };
  for (int64_t i = 0; i < count; i += lanes) most = _mm512_max_ps(most, logit(i));
  const __m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(most)), factor = _mm512_set1_ps(scale);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < count; i += lanes) {
    const __m512 e = exponential(_mm512_mul_ps(_mm512_sub_ps(logit(i), top), factor));
    sum = _mm512_add_ps(sum, e);
    store(to + i, e);
  }
  return 1 / _mm512_reduce_add_ps(sum);
}

template <class E> void scaleRow(const float *from, float factor, int64_t count, E *to) {
  for (int64_t c = 0; c < count; c += lanes)
    store(to + c, _mm512_mul_ps(load(from + c), _mm512_set1_ps(factor)), firstLanes(count - c));
}

END_AVX512

/// One head of one image; `offsets` of the keys, before scaling, may be null.
template <class E>
void attendHead(const E *q, const E *k, const E *v, const Sizes &s, const float *offsets, float scale, E *to, const Buffers<E> &b) {
  using at::native::cpublas::brgemm;
  constexpr bool half = sizeof(E) == 2;
  const int64_t keys = s.padded(), row = roundedUp(s.depth, lanes);
  packKeys(k, s, b.keys);
  packValues(v, s, b.values);
  for (int64_t first = 0; first < s.queries; first += block) {
    const int64_t rows = std::min(block, s.queries - first);
    brgemm(rows, keys, s.depth, s.queryRow, keys, keys, false, q + first * s.queryRow, b.keys, b.logits, half);
    float factors[block];
    for (int64_t i = 0; i < rows; i++)
      factors[i] = softmaxRow(b.logits + i * keys, offsets, keys, scale, b.weights + i * keys);
    brgemm(rows, s.depth, keys, keys, s.depth, row, false, b.weights, b.values, b.mixed, half);
    for (int64_t i = 0; i < rows; i++) scaleRow(b.mixed + i * row, factors[i], s.depth, to + (first + i) * s.width());
  }
}

template <class E>
void attend(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const Sizes &s, const at::Tensor &offsets, float scale,
            at::Tensor &y) {
  const E *const queries = q.const_data_ptr<E>(), *const keys = k.const_data_ptr<E>(), *const values = v.const_data_ptr<E>();
  E *const to = y.data_ptr<E>();
  parallelFor(0, s.images * s.heads, 1, [&](int64_t begin, int64_t end) {
    const ProductState state(sizeof(E) == 2);
    at::Tensor memory = at::empty({Buffers<E>::bytes(s)}, at::TensorOptions().dtype(at::kByte));  // 64-byte aligned
    const Buffers<E> buffers(static_cast<char *>(memory.data_ptr()), s);
    for (int64_t i = begin; i < end; i++) {
      const int64_t image = i / s.heads, channel = i % s.heads * s.depth;
      attendHead(queries + image * q.stride(0) + channel, keys + image * k.stride(0) + channel,
                 values + image * v.stride(0) + channel, s,
                 offsets.defined() ? offsets.const_data_ptr<float>() + image * s.padded() : nullptr, scale,
                 to + image * s.queries * s.width() + channel, buffers);
    }
  });
}

/// What is added to the logits of the keys `[B, padded]`: 0 where they may be attended to; undefined if it is 0 everywhere.
at::Tensor offsets(const Sizes &s, CTTensor *mask) {
  if (!mask && s.padded() == s.keys) return at::Tensor();
  at::Tensor result = at::zeros({s.images, s.padded()}, at::TensorOptions().dtype(at::kFloat));
  result.narrow(1, s.keys, s.padded() - s.keys).fill_(masked);
  if (mask) result.narrow(1, 0, s.keys).masked_fill_(T(mask).view({s.images, s.keys}).logical_not(), masked);
  return result;
}

/// A tensor whose rows are contiguous and even words apart.
at::Tensor rows(const at::Tensor &x) { return x.stride(2) == 1 && x.stride(1) % 2 == 0 ? x : x.contiguous(); }

}  // namespace
#endif

extern "C" {

CTTensor *ci_attention(CTTensor *q, CTTensor *k, CTTensor *v, int64_t heads, CTTensor *mask, double scale) {
#if defined(__x86_64__)
  const at::Tensor &queries = T(q), &keys = T(k);
  const bool fits = queries.is_cpu() && queries.dim() == 3 && queries.size(2) % (2 * heads) == 0 && keys.size(1) <= longest &&
                    (!mask || T(mask).numel() == keys.size(0) * keys.size(1));
  if (!fits) return nullptr;
  return make([&] {
    const at::Tensor a = rows(queries), b = rows(keys), c = rows(T(v));
    const Sizes s{a.size(0), heads, a.size(1), b.size(1), a.size(2) / heads, a.stride(1), b.stride(1), c.stride(1)};
    at::Tensor y = at::empty({s.images, s.queries, s.width()}, a.options());
    const at::Tensor added = offsets(s, mask);
    if (a.scalar_type() == at::kFloat)
      attend<float>(a, b, c, s, added, float(scale), y);
    else
      attend<at::BFloat16>(a, b, c, s, added, float(scale), y);
    return y;
  });
#else
  return nullptr;
#endif
}

}  // extern "C"
