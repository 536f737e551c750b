// Linear layers, and convolutions as linear layers over the pixels that they read.
#include "CInference.h"
#include "bridge.h"

#if defined(__x86_64__)
#include "weights.h"
#include "winograd_2x2.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#define KERNELS "Inference/layers_kernels.h"
#include "Fused/each_processor.h"

namespace {

using namespace inference;

/// `to = rows of from · weights + bias (+ added)`.
template <class K, class E>
void linear(const E *from, int64_t fromRow, int64_t rows, const CIWeights &w, const E *added, E *to) {
  multiply(from, fromRow, rows, w, [&](int64_t row, int64_t some, int64_t index, const float *block) {
    if (w.kind == Kind::gated)
      K::finishGated(w, row, some, index, block, to);
    else
      K::finishBlock(w, row, some, index, block, added, to);
  });
}

/// Copies the pixels that the kernel reads for output pixels `first..<first + count`, one row for each.
template <class E>
void gather(const at::Tensor &x, const CIWeights &w, int64_t height, int64_t width, int64_t first, int64_t count, E *to) {
  const int64_t C = w.inputs, H = x.size(2), W = x.size(3);
  const E *const from = x.const_data_ptr<E>();
  parallelFor(0, count, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t pixel = first + i, image = pixel / (height * width);
      const int64_t top = pixel / width % height * w.stride - w.padding, left = pixel % width * w.stride - w.padding;
      E *row = to + i * w.depth;
      for (int64_t r = top; r < top + w.size; r++)
        for (int64_t c = left; c < left + w.size; c++, row += C) {
          if (r < 0 || r >= H || c < 0 || c >= W)
            std::fill_n(row, C, E(0));
          else
            std::copy_n(from + ((image * H + r) * W + c) * C, C, row);
        }
    }
  });
}

template <class K, class E> void convolve(const at::Tensor &x, const CIWeights &w, const E *added, at::Tensor &y) {
  const int64_t height = y.size(2), width = y.size(3), pixels = y.size(0) * height * width;
  E *const to = y.data_ptr<E>();
  if (w.size == 1 && w.stride == 1 && w.padding == 0)
    return linear<K>(x.const_data_ptr<E>(), w.inputs, pixels, w, added, to);
  constexpr int64_t bytes = 1 << 20;  // of gathered pixels, which stay in the cache
  const int64_t chunk = std::min(std::max(bytes / (w.depth * int64_t(sizeof(E))) / blockRows, int64_t(2)) * blockRows, pixels);
  at::Tensor gathered = at::empty({chunk, w.depth}, x.options().memory_format(at::MemoryFormat::Contiguous));
  for (int64_t first = 0; first < pixels; first += chunk) {
    const int64_t count = std::min(chunk, pixels - first);
    gather(x, w, height, width, first, count, gathered.data_ptr<E>());
    linear<K>(gathered.const_data_ptr<E>(), w.depth, count, w, added ? added + first * w.outputs : nullptr, to + first * w.outputs);
  }
}

void check(const at::Tensor &x, const CIWeights &w, int64_t inputs) {
  TORCH_CHECK(x.is_cpu() && inputs == w.inputs, "packed weights for ", w.inputs, " inputs on a CPU got ", x.sizes(),
              " on ", x.device());
  TORCH_CHECK(!x.requires_grad() || !c10::GradMode::is_enabled(), "packed weights have no gradients");
}

/// `added` in the layout of the result; undefined if there is none.
at::Tensor term(CTTensor *added, const at::Tensor &y, at::MemoryFormat layout) {
  if (!added) return at::Tensor();
  TORCH_CHECK(T(added).sizes() == y.sizes(), "a layer of ", y.sizes(), " cannot add ", T(added).sizes());
  return T(added).to(y.scalar_type()).contiguous(layout);
}

template <class E> const E *elements(const at::Tensor &x) { return x.defined() ? x.const_data_ptr<E>() : nullptr; }

}  // namespace
#endif

extern "C" {

CTTensor *ci_linear(CTTensor *x, CIWeights *weights, CTTensor *added) {
#if defined(__x86_64__)
  return make([&] {
    const CIWeights &w = *weights;
    const at::Tensor from = T(x).to(w.values.scalar_type()).contiguous();
    check(from, w, from.size(-1));
    std::vector<int64_t> shape = from.sizes().vec();
    shape.back() = w.outputs;
    at::Tensor y = at::empty(shape, from.options());
    const at::Tensor other = term(added, y, at::MemoryFormat::Contiguous);
    const int64_t rows = from.numel() / w.inputs;
    forProcessor(from.scalar_type(), [&]<class K, class E>() {
      linear<K>(from.const_data_ptr<E>(), w.inputs, rows, w, elements<E>(other), y.data_ptr<E>());
    });
    return y;
  });
#else
  return nullptr;
#endif
}

CTTensor *ci_conv2d(CTTensor *x, CIWeights *weights, CTTensor *added) {
#if defined(__x86_64__)
  return make([&] {
    const CIWeights &w = *weights;
    constexpr auto layout = at::MemoryFormat::ChannelsLast;
    const at::Tensor from = T(x).to(w.values.scalar_type()).contiguous(layout);
    check(from, w, from.size(1));
    const int64_t height = (from.size(2) + 2 * w.padding - w.size) / w.stride + 1;
    const int64_t width = (from.size(3) + 2 * w.padding - w.size) / w.stride + 1;
    at::Tensor y = at::empty({from.size(0), w.outputs, height, width}, from.options().memory_format(layout));
    const at::Tensor other = term(added, y, layout);
    if (w.kind == Kind::winograd)
      winogradConvolution(from, w, other, y);
    else
      forProcessor(from.scalar_type(), [&]<class K, class E>() { convolve<K>(from, w, elements<E>(other), y); });
    return y;
  });
#else
  return nullptr;
#endif
}

}  // extern "C"
