// Multi-head attention over sequences that are short enough for all logits of a block of queries to stay in the cache, and its
// gradients, for which the weights are computed again.
#include "CInference.h"
#include "bridge.h"

#if defined(__x86_64__)
#include "parallel.h"
#include "processor.h"
#include "vectors.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#define KERNELS "Fused/attention_kernels.h"
#include "each_processor.h"

namespace {

using namespace inference;
using at::native::cpublas::brgemm;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t block = 64;  // queries
constexpr int64_t longest = 1024;  // keys
constexpr float masked = -1e30f;

/// Sizes of one call, and the distances between rows in elements.
struct Sizes {
  int64_t images, heads, queries, keys, depth;  // depth: channels of a head
  int64_t queryRow, keyRow, valueRow;

  Sizes(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, int64_t heads)
      : images(q.size(0)), heads(heads), queries(q.size(1)), keys(k.size(1)), depth(q.size(2) / heads), queryRow(q.stride(1)),
        keyRow(k.stride(1)), valueRow(v.stride(1)) {}

  int64_t width() const { return heads * depth; }
  int64_t padded() const { return roundedUp(keys, unit); }  // keys that are computed
  int64_t mixedRow() const { return roundedUp(depth, unit); }
};

/// Memory of a thread, from which buffers are taken.
class Workspace {
  const at::Tensor memory;
  char *next;

 public:
  explicit Workspace(int64_t bytes)
      : memory(at::empty({bytes}, at::TensorOptions().dtype(at::kByte))), next(static_cast<char *>(memory.data_ptr())) {}

  template <class E> E *take(int64_t count) {
    char *const place = next;
    next += roundedUp(count * int64_t(sizeof(E)), 64);
    return reinterpret_cast<E *>(place);
  }
};

/// Buffers of one head.
template <class E> struct Buffers {
  E *keys, *values, *weights;
  float *logits, *mixed;

  static int64_t bytes(const Sizes &s) {
    return s.padded() * ((2 * s.depth + block) * int64_t(sizeof(E)) + block * int64_t(sizeof(float))) +
           block * s.mixedRow() * int64_t(sizeof(float)) + 5 * 64;
  }

  Buffers(Workspace &memory, const Sizes &s) {
    keys = memory.take<E>(s.padded() * s.depth);
    values = memory.take<E>(s.padded() * s.depth);
    weights = memory.take<E>(s.padded() * block);
    logits = memory.take<float>(s.padded() * block);
    mixed = memory.take<float>(block * s.mixedRow());
  }
};

/// One head of one image; `offsets` of the keys, before scaling, may be null.
template <class K, class E>
void attendHead(const E *q, const E *k, const E *v, const Sizes &s, const float *offsets, float scale, E *to, const Buffers<E> &b) {
  constexpr bool half = sizeof(E) == 2;
  const int64_t keys = s.padded(), row = s.mixedRow();
  K::packColumns(k, s.keyRow, s.keys, keys, s.depth, b.keys);
  K::packRows(v, s.valueRow, s.keys, keys, s.depth, b.values);
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

/// Calls `body(image, channel, buffers)` for all heads, on all threads, each with buffers of its own.
template <class B, class E, class F> void forHeads(const Sizes &s, const F &body) {
  parallelFor(0, s.images * s.heads, 1, [&](int64_t begin, int64_t end) {
    const ProductState state(sizeof(E) == 2);
    Workspace memory(B::bytes(s));
    const B buffers(memory, s);
    for (int64_t i = begin; i < end; i++) body(i / s.heads, i % s.heads * s.depth, buffers);
  });
}

/// What is added to the logits of an image; null if that is 0.
const float *offsetsOf(int64_t image, const at::Tensor &offsets, const Sizes &s) {
  return offsets.numel() > 0 ? offsets.const_data_ptr<float>() + image * s.padded() : nullptr;
}

template <class K, class E>
void attend(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const Sizes &s, const at::Tensor &offsets, float scale,
            at::Tensor &y) {
  const E *const queries = q.const_data_ptr<E>(), *const keys = k.const_data_ptr<E>(), *const values = v.const_data_ptr<E>();
  E *const to = y.data_ptr<E>();
  forHeads<Buffers<E>, E>(s, [&](int64_t image, int64_t channel, const Buffers<E> &buffers) {
    attendHead<K>(queries + image * q.stride(0) + channel, keys + image * k.stride(0) + channel,
                  values + image * v.stride(0) + channel, s, offsetsOf(image, offsets, s), scale,
                  to + image * s.queries * s.width() + channel, buffers);
  });
}

/// Buffers of the gradients of one head; sums over blocks of queries are in float32.
template <class E> struct GradientBuffers {
  E *keyColumns, *keyRows, *valueColumns, *queryRows, *givenRows, *logitGradients, *transposed;
  float *weights, *gradients, *mixed, *keys, *values;

  static int64_t bytes(const Sizes &s) {
    const int64_t singles = 2 * block * s.padded() + block * s.mixedRow() + 2 * s.padded() * s.mixedRow();
    const int64_t elements = 3 * s.padded() * s.depth + 2 * block * s.depth + 2 * block * s.padded();
    return singles * int64_t(sizeof(float)) + elements * int64_t(sizeof(E)) + 12 * 64;
  }

  GradientBuffers(Workspace &memory, const Sizes &s) {
    for (E **buffer : {&keyColumns, &keyRows, &valueColumns}) *buffer = memory.take<E>(s.padded() * s.depth);
    for (E **buffer : {&queryRows, &givenRows}) *buffer = memory.take<E>(block * s.depth);
    for (E **buffer : {&logitGradients, &transposed}) *buffer = memory.take<E>(block * s.padded());
    for (float **buffer : {&weights, &gradients}) *buffer = memory.take<float>(block * s.padded());
    mixed = memory.take<float>(block * s.mixedRow());
    for (float **buffer : {&keys, &values}) *buffer = memory.take<float>(s.padded() * s.mixedRow());
  }
};

/// Gradients of one head from that of its result, `given`; all results have rows of the width of all heads.
template <class K, class E>
void differentiateHead(const E *q, const E *k, const E *v, const E *given, const Sizes &s, const float *offsets, float scale,
                       E *dq, E *dk, E *dv, const GradientBuffers<E> &b) {
  constexpr bool half = sizeof(E) == 2;
  const int64_t keys = s.padded(), depth = s.depth, row = s.mixedRow(), width = s.width();
  K::packColumns(k, s.keyRow, s.keys, keys, depth, b.keyColumns);
  K::packRows(k, s.keyRow, s.keys, keys, depth, b.keyRows);
  K::packColumns(v, s.valueRow, s.keys, keys, depth, b.valueColumns);
  for (int64_t first = 0; first < s.queries; first += block) {
    const int64_t rows = std::min(block, s.queries - first), padded = roundedUp(rows, unit);
    const E *const queries = q + first * s.queryRow, *const gradient = given + first * width;
    const bool adds = first > 0;
    brgemm(rows, keys, depth, s.queryRow, keys, keys, false, queries, b.keyColumns, b.weights, half);
    brgemm(rows, keys, depth, width, keys, keys, false, gradient, b.valueColumns, b.gradients, half);
    for (int64_t i = 0; i < rows; i++) {
      float *const weights = b.weights + i * keys;
      const float factor = K::softmaxRow(weights, offsets, keys, scale, weights);
      K::softmaxGradients(weights, factor, b.gradients + i * keys, keys, scale);
    }
    std::fill(b.weights + rows * keys, b.weights + padded * keys, 0.0f);
    std::fill(b.gradients + rows * keys, b.gradients + padded * keys, 0.0f);
    // Of values, Wᵀ · given.
    K::packRows(gradient, width, rows, padded, depth, b.givenRows);
    K::transposeRows(b.weights, padded, keys, b.transposed);
    brgemm(keys, depth, padded, padded, depth, row, adds, b.transposed, b.givenRows, b.values, half);
    // Of keys, the logits' gradients transposed · q.
    K::packRows(queries, s.queryRow, rows, padded, depth, b.queryRows);
    K::transposeRows(b.gradients, padded, keys, b.transposed);
    brgemm(keys, depth, padded, padded, depth, row, adds, b.transposed, b.queryRows, b.keys, half);
    // Of queries, the logits' gradients · k.
    for (int64_t i = 0; i < rows; i++) K::scaleRow(b.gradients + i * keys, 1, keys, b.logitGradients + i * keys);
    brgemm(rows, depth, keys, keys, depth, row, false, b.logitGradients, b.keyRows, b.mixed, half);
    for (int64_t i = 0; i < rows; i++) K::scaleRow(b.mixed + i * row, 1, depth, dq + (first + i) * width);
  }
  for (int64_t i = 0; i < s.keys; i++) {
    K::scaleRow(b.keys + i * row, 1, depth, dk + i * width);
    K::scaleRow(b.values + i * row, 1, depth, dv + i * width);
  }
}

/// Gradients of queries, keys and values.
template <class K, class E>
variable_list differentiate(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &given, int64_t heads,
                            const at::Tensor &offsets, float scale) {
  const Sizes s(q, k, v, heads);
  at::Tensor dq = at::empty({s.images, s.queries, s.width()}, q.options());
  at::Tensor dk = at::empty({s.images, s.keys, s.width()}, q.options()), dv = at::empty_like(dk);
  const E *const queries = q.const_data_ptr<E>(), *const keys = k.const_data_ptr<E>(), *const values = v.const_data_ptr<E>();
  const E *const gradients = given.const_data_ptr<E>();
  E *const toQueries = dq.data_ptr<E>(), *const toKeys = dk.data_ptr<E>(), *const toValues = dv.data_ptr<E>();
  forHeads<GradientBuffers<E>, E>(s, [&](int64_t image, int64_t channel, const GradientBuffers<E> &buffers) {
    const int64_t query = image * s.queries * s.width() + channel, key = image * s.keys * s.width() + channel;
    differentiateHead<K>(queries + image * q.stride(0) + channel, keys + image * k.stride(0) + channel,
                         values + image * v.stride(0) + channel, gradients + query, s, offsetsOf(image, offsets, s), scale,
                         toQueries + query, toKeys + key, toValues + key, buffers);
  });
  return {dq, dk, dv};
}

/// What is added to the logits of the keys `[B, padded]`: 0 where they may be attended to; empty if it is 0 everywhere.
at::Tensor offsets(const Sizes &s, const at::Tensor &mask) {
  if (!mask.defined() && s.padded() == s.keys) return at::empty({0}, at::TensorOptions().dtype(at::kFloat));
  at::Tensor result = at::zeros({s.images, s.padded()}, at::TensorOptions().dtype(at::kFloat));
  result.narrow(1, s.keys, s.padded() - s.keys).fill_(masked);
  if (mask.defined()) result.narrow(1, 0, s.keys).masked_fill_(mask.view({s.images, s.keys}).logical_not(), masked);
  return result;
}

/// A tensor whose rows are contiguous and even words apart.
at::Tensor rows(const at::Tensor &x) { return x.stride(2) == 1 && x.stride(1) % 2 == 0 ? x : x.contiguous(); }

at::Tensor attended(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const Sizes &s, const at::Tensor &offsets,
                    double scale) {
  at::Tensor y = at::empty({s.images, s.queries, s.width()}, q.options());
  forProcessor(q.scalar_type(), [&]<class K, class E>() { attend<K, E>(q, k, v, s, offsets, float(scale), y); });
  return y;
}

/// Saves queries, keys and values, and not the weights.
struct FusedAttention : torch::autograd::Function<FusedAttention> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &q, const at::Tensor &k, const at::Tensor &v,
                            int64_t heads, const at::Tensor &offsets, double scale) {
    context->save_for_backward({q, k, v, offsets});
    context->saved_data["heads"] = heads;
    context->saved_data["scale"] = scale;
    return attended(q, k, v, Sizes(q, k, v, heads), offsets, scale);
  }

  static variable_list backward(AutogradContext *context, const variable_list &gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor given = gradients[0].to(saved[0].scalar_type()).contiguous();
    const int64_t heads = context->saved_data["heads"].toInt();
    const float scale = float(context->saved_data["scale"].toDouble());
    variable_list result;
    forProcessor(saved[0].scalar_type(), [&]<class K, class E>() {
      result = differentiate<K, E>(saved[0], saved[1], saved[2], given, heads, saved[3], scale);
    });
    result.resize(6);
    return result;
  }
};

}  // namespace
#endif

extern "C" {

CTTensor *ci_attention(CTTensor *q, CTTensor *k, CTTensor *v, int64_t heads, CTTensor *mask, double scale) {
#if defined(__x86_64__)
  const at::Tensor &queries = T(q), &keys = T(k), &values = T(v);
  const bool fits = queries.is_cpu() && queries.dim() == 3 && queries.size(2) % (2 * heads) == 0 && keys.size(1) <= longest &&
                    keys.scalar_type() == queries.scalar_type() && values.scalar_type() == queries.scalar_type() &&
                    (!mask || T(mask).numel() == keys.size(0) * keys.size(1));
  if (!fits) return nullptr;
  return make([&] {
    const at::Tensor a = rows(queries), b = rows(keys), c = rows(values);
    const Sizes s(a, b, c, heads);
    const at::Tensor added = offsets(s, mask ? T(mask) : at::Tensor());
    if (!needsGradients({a, b, c})) return attended(a, b, c, s, added, scale);
    return FusedAttention::apply(a, b, c, heads, added, scale);
  });
#else
  return nullptr;
#endif
}

}  // extern "C"
