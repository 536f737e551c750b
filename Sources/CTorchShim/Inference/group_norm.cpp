// Group normalization and the activation after it, in two passes over the image.
#include "CInference.h"
#include "bridge.h"

#if defined(__x86_64__)
#include "parallel.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

namespace {

constexpr int64_t block = 64;  // channels whose sums a thread makes together

}  // namespace

#define KERNELS "group_norm_kernels.h"
#include "each_processor.h"

namespace {

using namespace inference;

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

template <class K, class E> void normalize(const at::Tensor &x, const Norm &norm, bool activates, at::Tensor &y) {
  const int64_t B = x.size(0), C = x.size(1), pixels = x.size(2) * x.size(3), blocks = (C + block - 1) / block;
  at::Tensor table = at::empty({B, 3, C}, at::TensorOptions().dtype(at::kFloat));
  float *const sums = table.data_ptr<float>();
  const E *const from = x.const_data_ptr<E>();
  E *const to = y.data_ptr<E>();
  const int64_t grain = std::max<int64_t>(1, (1 << 15) / (pixels * block));
  parallelFor(0, B * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t image = i / blocks;
      K::sumChannels(from + image * pixels * C, pixels, C, i % blocks * block, sums + 3 * image * C, sums + (3 * image + 1) * C);
    }
  });
  for (int64_t image = 0; image < B; image++)
    finishSums(from + image * pixels * C, pixels, C, norm, norm.shift ? norm.shift + image * C : nullptr, sums + 3 * image * C);
  parallelFor(0, B * pixels, std::max<int64_t>(1, (1 << 13) / C), [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t image = begin / pixels, some = std::min(end, (image + 1) * pixels) - begin;
      K::scaleChannels(from + begin * C, to + begin * C, some, C, sums + 3 * image * C, activates);
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
    forProcessor(from.scalar_type(), [&]<class K, class E>() { normalize<K, E>(from, norm, silu, y); });
    return y;
  });
#else
  return nullptr;
#endif
}

}  // extern "C"
