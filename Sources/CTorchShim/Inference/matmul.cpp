// Products of batches of float32 matrices. libtorch leaves them to MKL, which on AMD reaches less than half of the speed.
#include "CInference.h"
#include "bridge.h"

#if defined(__x86_64__)
#include "weights.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

namespace {

using namespace inference;

/// The right-hand side of a product, with room for a packed matrix of these sizes.
CIWeights room(int64_t columns, int64_t depth) {
  CIWeights w{};
  w.kind = Kind::matrix;
  w.columns = w.outputs = columns;
  w.depth = w.inputs = depth;
  w.slab = roundedUp(columns, unit) * depth;
  w.values = at::empty({w.slab}, at::TensorOptions().dtype(at::kFloat));
  return w;
}

/// Packs the matrix at `from`, whose rows are `row` floats and columns `column` floats apart.
void pack(const float *from, int64_t row, int64_t column, CIWeights &w) {
  float *const to = w.values.data_ptr<float>();
  constexpr int64_t some = 16;  // rows at a time, so that what is read stays in the cache
  parallelFor(0, panels(w.columns), 1, [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; index++) {
      const int64_t start = panelStart(w.columns, index), width = panelWidth(w.columns, index);
      const int64_t count = std::min(width, w.columns - start);
      float *const panel = to + start * w.depth;
      for (int64_t first = 0; first < w.depth; first += some) {
        const int64_t last = std::min(first + some, w.depth);
        for (int64_t c = 0; c < count; c++)
          for (int64_t k = first; k < last; k++) panel[k * width + c] = from[k * row + (start + c) * column];
        for (int64_t k = first; k < last; k++) std::fill(panel + k * width + count, panel + (k + 1) * width, 0.0f);
      }
    }
  });
}

/// `to = from · packed`, of `rows` rows.
void product(const float *from, int64_t rows, const CIWeights &w, float *to) {
  multiply(from, w.depth, rows, w, [&](int64_t row, int64_t some, int64_t index, const float *block) {
    const int64_t first = panelStart(w.columns, index), count = std::min(panelWidth(w.columns, index), w.columns - first);
    for (int64_t i = 0; i < some; i++) std::copy_n(block + i * panel, count, to + (row + i) * w.columns + first);
  });
}

}  // namespace
#endif

extern "C" {

CTTensor *ci_matmul(CTTensor *a, CTTensor *b) {
#if defined(__x86_64__)
  const at::Tensor &x = T(a), &y = T(b);
  const bool fits = inference::supports(at::kFloat) && x.is_cpu() && y.is_cpu() && x.dim() == 3 && y.dim() == 3 &&
                    x.scalar_type() == at::kFloat && y.scalar_type() == at::kFloat && x.size(0) == y.size(0) &&
                    ci_in_use() && x.size(2) == y.size(1) && x.numel() > 0 && y.numel() > 0 && !inference::needsGradients({x, y});
  if (!fits) return nullptr;
  return make([&] {
    const at::Tensor left = x.contiguous();
    const int64_t count = x.size(0), M = x.size(1), K = x.size(2), N = y.size(2);
    at::Tensor result = at::empty({count, M, N}, left.options());
    const float *const from = left.const_data_ptr<float>(), *const right = y.const_data_ptr<float>();
    float *const to = result.data_ptr<float>();
    const auto products = [&](int64_t begin, int64_t end) {
      CIWeights w = room(N, K);
      for (int64_t i = begin; i < end; i++) {
        pack(right + i * y.stride(0), y.stride(1), y.stride(2), w);
        product(from + i * M * K, M, w, to + i * M * N);
      }
    };
    // Matrices are shared between threads where that is even, else the parts of each.
    const int64_t threads = at::get_num_threads();
    if (count % threads == 0 || count >= 4 * threads)
      parallelFor(0, count, 1, products);
    else
      products(0, count);
    return result;
  });
#else
  return nullptr;
#endif
}

}  // extern "C"
