// Group normalization and the activation after it, in two passes over the image.
#include "CInference.h"
#include "bridge.h"

#if defined(__x86_64__)
#include "parallel.h"
#include "vectors.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

namespace {

using namespace inference;

constexpr int64_t block = 64;  // channels whose sums a thread makes together

BEGIN_AVX512

/// Sums and sums of squares over the pixels, of up to 64 channels. Values count from the first pixel's, since squares of
/// large numbers would lose what is to be normalized.
template <class E> void sumChannels(const E *image, int64_t pixels, int64_t C, int64_t first, float *sums, float *squares) {
  for (int64_t c = first; c < std::min(first + block, C); c += lanes) {
    const __mmask16 mask = firstLanes(C - c);
    const __m512 origin = load(image + c, mask);
    __m512 s[4], q[4];
    for (int k = 0; k < 4; k++) s[k] = q[k] = _mm512_setzero_ps();
    const auto add = [&](int64_t pixel, int k) {
      const __m512 v = _mm512_sub_ps(load(image + pixel * C + c, mask), origin);
      s[k] = _mm512_add_ps(s[k], v);
      q[k] = _mm512_fmadd_ps(v, v, q[k]);
    };
    int64_t i = 0;
    for (; i + 4 <= pixels; i += 4)
      for (int k = 0; k < 4; k++) add(i + k, k);
    for (; i < pixels; i++) add(i, 0);
    store(sums + c, _mm512_add_ps(_mm512_add_ps(s[0], s[1]), _mm512_add_ps(s[2], s[3])), mask);
    store(squares + c, _mm512_add_ps(_mm512_add_ps(q[0], q[1]), _mm512_add_ps(q[2], q[3])), mask);
  }
}

/// (x − center) · scale + offset of each channel, then the activation; `table` has the three, C floats each.
template <class E>
void scaleChannels(const E *from, E *to, int64_t pixels, int64_t C, const float *table, bool activates) {
  const float *const scale = table, *const offset = table + C, *const center = table + 2 * C;
  for (int64_t i = 0; i < pixels; i++)
    for (int64_t c = 0; c < C; c += lanes) {
      const __mmask16 mask = firstLanes(C - c);
      const __m512 distance = _mm512_sub_ps(load(from + i * C + c, mask), load(center + c, mask));
      const __m512 v = _mm512_fmadd_ps(distance, load(scale + c, mask), load(offset + c, mask));
      store(to + i * C + c, activates ? silu(v) : v, mask);
    }
}

END_AVX512

/// Parameters of a normalization, as float32.
struct Norm {
  int64_t groups;
  double eps;
  const float *weight, *bias, *shift;  // shift may be null
};

/// What `scaleChannels` reads, from the sums of `sumChannels`, which are in the first two thirds of the table.
template <class E>
void finishSums(const E *image, int64_t pixels, int64_t C, const Norm &norm, const float *shift, float *table) {
  float *const sums = table, *const squares = table + C, *const centers = table + 2 * C;
  const int64_t size = C / norm.groups;
  for (int64_t first = 0; first < C; first += size) {
    double total = 0, squared = 0;
    for (int64_t c = first; c < first + size; c++) {
      const double mean = sums[c] / double(pixels);
      total += double(float(image[c])) + mean + (shift ? shift[c] : 0);
    }
    const double mean = total / double(size);
    for (int64_t c = first; c < first + size; c++) {
      const double inner = sums[c] / double(pixels);
      const double own = double(float(image[c])) + inner + (shift ? shift[c] : 0) - mean;
      squared += squares[c] / double(pixels) - inner * inner + own * own;
    }
    const double factor = 1 / std::sqrt(std::max(squared / double(size), 0.0) + norm.eps);
    for (int64_t c = first; c < first + size; c++) {
      const double scale = factor * norm.weight[c];
      const double center = mean - (shift ? shift[c] : 0);
      centers[c] = float(center);
      sums[c] = float(scale);
      squares[c] = float(norm.bias[c] + (double(centers[c]) - center) * scale);
    }
  }
}

template <class E> void normalize(const at::Tensor &x, const Norm &norm, bool activates, at::Tensor &y) {
  const int64_t B = x.size(0), C = x.size(1), pixels = x.size(2) * x.size(3), blocks = (C + block - 1) / block;
  at::Tensor table = at::empty({B, 3, C}, at::TensorOptions().dtype(at::kFloat));
  float *const sums = table.data_ptr<float>();
  const E *const from = x.const_data_ptr<E>();
  E *const to = y.data_ptr<E>();
  const int64_t grain = std::max<int64_t>(1, (1 << 15) / (pixels * block));
  parallelFor(0, B * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t image = i / blocks;
      sumChannels(from + image * pixels * C, pixels, C, i % blocks * block, sums + 3 * image * C, sums + (3 * image + 1) * C);
    }
  });
  for (int64_t image = 0; image < B; image++)
    finishSums(from + image * pixels * C, pixels, C, norm, norm.shift ? norm.shift + image * C : nullptr, sums + 3 * image * C);
  parallelFor(0, B * pixels, std::max<int64_t>(1, (1 << 13) / C), [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t image = begin / pixels, some = std::min(end, (image + 1) * pixels) - begin;
      scaleChannels(from + begin * C, to + begin * C, some, C, sums + 3 * image * C, activates);
      begin += some;
    }
  });
}

}  // namespace
#endif

extern "C" {

CTTensor *ci_group_norm(CTTensor *x, int64_t groups, CTTensor *weight, CTTensor *bias, double eps, CTTensor *shift, bool silu) {
#if defined(__x86_64__)
  return make([&] {
    const at::Tensor from = T(x).contiguous(at::MemoryFormat::ChannelsLast);
    TORCH_CHECK(from.is_cpu() && T(weight).numel() == from.size(1) && from.size(1) % groups == 0, groups, " groups for ",
                from.sizes());
    const auto floats = [](const at::Tensor &values) { return values.to(at::kFloat).contiguous(); };
    const at::Tensor w = floats(T(weight)), b = floats(T(bias)), s = shift ? floats(T(shift)) : at::Tensor();
    TORCH_CHECK(!shift || s.numel() == from.size(0) * from.size(1), "a shift of ", s.sizes(), " for ", from.sizes());
    const Norm norm{groups, eps, w.const_data_ptr<float>(), b.const_data_ptr<float>(),
                    shift ? s.const_data_ptr<float>() : nullptr};
    at::Tensor y = at::empty_like(from);
    if (from.scalar_type() == at::kFloat)
      normalize<float>(from, norm, silu, y);
    else
      normalize<at::BFloat16>(from, norm, silu, y);
    return y;
  });
#else
  return nullptr;
#endif
}

}  // extern "C"
