// GEGLU (Shazeer 2020) with its gradients: of rows [a, b], a · gelu(b).
#include "CInference.h"
#include "bridge.h"

#if defined(__x86_64__)
#include "parallel.h"
#include "processor.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#define KERNELS "Fused/geglu_kernels.h"
#include "each_processor.h"

namespace {

using namespace inference;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Calls `body(row)` for all rows of `width` elements, on all threads.
template <class F> void forRows(int64_t rows, int64_t width, const F &body) {
  parallelFor(0, rows, std::max<int64_t>(1, (1 << 12) / width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) body(row);
  });
}

at::Tensor gated(const at::Tensor &x) {
  std::vector<int64_t> shape = x.sizes().vec();
  const int64_t inner = shape.back() /= 2;
  at::Tensor y = at::empty(shape, x.options());
  forProcessor(x.scalar_type(), [&]<class K, class E>() {
    const E *const from = x.const_data_ptr<E>();
    E *const to = y.data_ptr<E>();
    forRows(x.numel() / (2 * inner), inner, [&](int64_t row) { K::gate(from + row * 2 * inner, inner, to + row * inner); });
  });
  return y;
}

/// Saves the input: the gate and its slope are computed again.
struct FusedGEGLU : torch::autograd::Function<FusedGEGLU> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x) {
    context->save_for_backward({x});
    return gated(x);
  }

  static variable_list backward(AutogradContext *context, const variable_list &gradients) {
    const at::Tensor x = context->get_saved_variables()[0], dy = gradients[0].to(x.scalar_type()).contiguous();
    const int64_t inner = x.size(-1) / 2;
    at::Tensor dx = at::empty_like(x);
    forProcessor(x.scalar_type(), [&]<class K, class E>() {
      const E *const from = x.const_data_ptr<E>(), *const given = dy.const_data_ptr<E>();
      E *const to = dx.data_ptr<E>();
      forRows(x.numel() / (2 * inner), inner, [&](int64_t row) {
        K::gateGradients(from + row * 2 * inner, given + row * inner, inner, to + row * 2 * inner);
      });
    });
    return {dx};
  }
};

}  // namespace
#endif

extern "C" {

CTTensor *ci_geglu(CTTensor *x) {
#if defined(__x86_64__)
  return make([&] {
    TORCH_CHECK(T(x).is_cpu() && T(x).dim() > 0 && T(x).size(-1) > 0 && T(x).size(-1) % 2 == 0, "GEGLU of ", T(x).sizes());
    const at::Tensor from = T(x).contiguous();
    return needsGradients({from}) ? FusedGEGLU::apply(from) : gated(from);
  });
#else
  return nullptr;
#endif
}

}  // extern "C"
