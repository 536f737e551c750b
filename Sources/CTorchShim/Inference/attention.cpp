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
  int64_t padded() const { return roundedUp(keys, unit); }  // keys that are computed
};

/// Buffers of one head.
template <class E> struct Buffers {
  E *keys, *values, *weights;
  float *logits, *mixed;

  static int64_t bytes(const Sizes &s) {
    return s.padded() * ((2 * s.depth + block) * int64_t(sizeof(E)) + block * int64_t(sizeof(float))) +
           block * roundedUp(s.depth, unit) * int64_t(sizeof(float)) + 5 * 64;
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
    mixed = reinterpret_cast<float *>(take(block * roundedUp(s.depth, unit) * int64_t(sizeof(float))));
  }
};

}  // namespace

#define KERNELS "attention_kernels.h"
#include "each_processor.h"

namespace {

/// One head of one image; `offsets` of the keys, before scaling, may be null.
template <class K, class E>
void attendHead(const E *q, const E *k, const E *v, const Sizes &s, const float *offsets, float scale, E *to, const Buffers<E> &b) {
  using at::native::cpublas::brgemm;
  constexpr bool half = sizeof(E) == 2;
  const int64_t keys = s.padded(), row = roundedUp(s.depth, unit);
  K::packKeys(k, s, b.keys);
  K::packValues(v, s, b.values);
  for (int64_t first = 0; first < s.queries; first += block) {
    const int64_t rows = std::min(block, s.queries - first);
    brgemm(rows, keys, s.depth, s.queryRow, keys, keys, false, q + first * s.queryRow, b.keys, b.logits, half);
    float factors[block];
    for (int64_t i = 0; i < rows; i++)
      factors[i] = K::softmaxRow(b.logits + i * keys, offsets, keys, scale, b.weights + i * keys);
    brgemm(rows, s.depth, keys, keys, s.depth, row, false, b.weights, b.values, b.mixed, half);
    for (int64_t i = 0; i < rows; i++) K::scaleRow(b.mixed + i * row, factors[i], s.depth, to + (first + i) * s.width());
  }
}

template <class K, class E>
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
      attendHead<K>(queries + image * q.stride(0) + channel, keys + image * k.stride(0) + channel,
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
    forProcessor(a.scalar_type(), [&]<class K, class E>() { attend<K, E>(a, b, c, s, added, float(scale), y); });
    return y;
  });
#else
  return nullptr;
#endif
}

}  // extern "C"
