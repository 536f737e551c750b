// Packs weights.
#include "CInference.h"
#include "bridge.h"

#if defined(__x86_64__)
#include "weights.h"
#include "winograd_2x2.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

namespace {

using namespace inference;

/// Whether weights of a type with so many inputs are packed: bfloat16 is multiplied in pairs.
bool packs(at::ScalarType type, int64_t inputs) { return supports(type) && (type == at::kFloat || inputs % 2 == 0); }

/// Packs `[columns, inputs, taps]`, as parameters are, into panels with a row for each tap and input.
///
/// Some inputs of all columns of a panel at a time, so that what is read and written stays in the cache.
template <class E> void packRows(const at::Tensor &weights, int64_t taps, const CIWeights &w, E *to) {
  constexpr int64_t some = 16, pair = sizeof(E) == 2 ? 2 : 1;
  const int64_t inputs = w.depth / taps, blocks = (inputs + some - 1) / some;
  const E *const from = weights.const_data_ptr<E>();
  parallelFor(0, panels(w.columns) * blocks, 4, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t index = task / blocks, first = task % blocks * some, width = panelWidth(w.columns, index);
      const int64_t column = panelStart(w.columns, index), columns = std::min(width, w.columns - column);
      const E *const read = from + column * w.depth;
      E *const start = to + column * w.depth;
      for (int64_t t = 0; t < taps; t++)
        for (int64_t c = first; c < std::min(first + some, inputs); c++) {
          const int64_t row = t * inputs + c;
          E *const written = start + row / pair * pair * width + row % pair;
          for (int64_t i = 0; i < columns; i++) written[i * pair] = read[i * w.depth + c * taps + t];
          for (int64_t i = columns; i < width; i++) written[i * pair] = E(0);
        }
    }
  });
}

/// Matrices of the panels of `w`.
int64_t matrices(const CIWeights &w) { return w.kind == Kind::winograd ? winogradFrequencies : 1; }

/// Reserves the panels, which are not filled yet.
void reserve(CIWeights &w, at::ScalarType type, const std::optional<at::Tensor> &bias) {
  const int64_t computed = roundedUp(w.columns, unit);
  w.slab = computed * w.depth;
  w.values = at::empty({matrices(w), w.slab}, at::TensorOptions().dtype(type));
  w.bias = at::zeros({computed}, at::TensorOptions().dtype(at::kFloat));
  if (bias) w.bias.narrow(0, 0, bias->size(0)).copy_(*bias);
}

/// Fills the panels of `w` with `[columns, inputs, taps]`.
void fill(CIWeights &w, const at::Tensor &weights, int64_t taps, const std::optional<at::Tensor> &bias) {
  reserve(w, weights.scalar_type(), bias);
  const at::Tensor values = weights.contiguous();
  if (values.scalar_type() == at::kFloat)
    packRows(values, taps, w, w.values.data_ptr<float>());
  else
    packRows(values, taps, w, w.values.data_ptr<at::BFloat16>());
}

/// Bytes of `reserve`.
int64_t reservedBytes(const CIWeights &w, at::ScalarType type) {
  return roundedUp(w.columns, unit) * (matrices(w) * w.depth * int64_t(c10::elementSize(type)) + int64_t(sizeof(float)));
}

/// The layout of a matrix `[rows, inputs]`; nothing where it is not packed.
std::unique_ptr<CIWeights> matrixLayout(at::ScalarType type, int64_t rows, int64_t inputs, bool gated) {
  if (!packs(type, inputs) || rows * inputs == 0 || (gated && rows % 2 != 0)) return nullptr;
  auto w = std::make_unique<CIWeights>();
  w->kind = gated ? Kind::gated : Kind::matrix;
  w->outputs = gated ? rows / 2 : rows;
  w->columns = gated ? 2 * roundedUp(w->outputs, panel / 2) : rows;
  w->inputs = w->depth = inputs;
  w->size = w->stride = 1;
  w->padding = 0;
  return w;
}

/// The layout of a kernel `[outputs, inputs, size, size]`; nothing where it is not packed.
std::unique_ptr<CIWeights> kernelLayout(
    at::ScalarType type, int64_t outputs, int64_t inputs, int64_t size, int64_t stride, int64_t padding) {
  if (!packs(type, inputs) || outputs * inputs * size == 0) return nullptr;
  auto w = std::make_unique<CIWeights>();
  w->outputs = w->columns = outputs;
  w->inputs = inputs;
  w->size = size;
  w->stride = stride;
  w->padding = padding;
  const bool transformed = size == 3 && stride == 1 && padding == 1 && outputs >= 32 && inputs >= 32;
  w->kind = transformed && winogradPays(type) ? Kind::winograd : Kind::kernel;
  w->depth = w->kind == Kind::winograd ? inputs : inputs * size * size;
  return w;
}

/// Columns of both halves side by side, 32 of the first and 32 of the second in each panel; `[2 · inner, …]`.
at::Tensor interleaved(const at::Tensor &halves) {
  const int64_t inner = halves.size(0) / 2, padded = roundedUp(inner, panel / 2);
  std::vector<int64_t> shape = halves.sizes().vec();
  shape[0] = 2 * padded;
  at::Tensor result = at::zeros(shape, halves.options());
  for (int64_t i = 0; i < inner; i += panel / 2) {
    const int64_t count = std::min(panel / 2, inner - i);
    result.narrow(0, 2 * i, count).copy_(halves.narrow(0, i, count));
    result.narrow(0, 2 * i + panel / 2, count).copy_(halves.narrow(0, inner + i, count));
  }
  return result;
}

}  // namespace
#endif

extern "C" {

bool ci_uses_winograd(CTType type) {
#if defined(__x86_64__)
  return supports(scalarType(type)) && winogradPays(scalarType(type));
#else
  return false;
#endif
}

CIWeights *ci_pack_matrix(CTTensor *weight, CTTensor *bias, bool gated) {
  CIWeights *result = nullptr;
#if defined(__x86_64__)
  guarded([&] {
    at::Tensor matrix = T(weight).detach().flatten(1);
    std::optional<at::Tensor> offset = O(bias);
    auto w = matrix.is_cpu() ? matrixLayout(matrix.scalar_type(), matrix.size(0), matrix.size(1), gated) : nullptr;
    if (!w) return;
    if (gated) {
      matrix = interleaved(matrix);
      if (offset) offset = interleaved(offset->detach());
    }
    fill(*w, matrix, 1, offset);
    result = w.release();
  });
#endif
  return result;
}

CIWeights *ci_pack_kernel(CTTensor *weight, CTTensor *bias, int64_t stride, int64_t padding) {
  CIWeights *result = nullptr;
#if defined(__x86_64__)
  guarded([&] {
    const c10::impl::ExcludeDispatchKeyGuard noAutocast(c10::autocast_dispatch_keyset);
    const at::Tensor kernel = T(weight).detach();
    const int64_t size = kernel.size(2);
    if (!kernel.is_cpu() || kernel.size(3) != size) return;
    auto w = kernelLayout(kernel.scalar_type(), kernel.size(0), kernel.size(1), size, stride, padding);
    if (!w) return;
    if (w->kind == Kind::winograd) {
      reserve(*w, kernel.scalar_type(), O(bias));
      packWinograd(kernel.contiguous(), *w);
    } else {
      fill(*w, kernel, size * size, O(bias));
    }
    result = w.release();
  });
#endif
  return result;
}

void ci_free(CIWeights *weights) {
#if defined(__x86_64__)
  delete weights;
#endif
}

int64_t ci_bytes(CIWeights *weights) {
#if defined(__x86_64__)
  return int64_t(weights->values.nbytes() + weights->bias.nbytes());
#else
  return 0;
#endif
}

int64_t ci_matrix_bytes(CTType type, int64_t rows, int64_t inputs, bool gated) {
#if defined(__x86_64__)
  const auto w = matrixLayout(scalarType(type), rows, inputs, gated);
  return w ? reservedBytes(*w, scalarType(type)) : 0;
#else
  return 0;
#endif
}

int64_t ci_kernel_bytes(CTType type, int64_t outputs, int64_t inputs, int64_t size, int64_t stride, int64_t padding) {
#if defined(__x86_64__)
  const auto w = kernelLayout(scalarType(type), outputs, inputs, size, stride, padding);
  return w ? reservedBytes(*w, scalarType(type)) : 0;
#else
  return 0;
#endif
}

}  // extern "C"
