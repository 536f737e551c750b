// What this processor and this libtorch can compute.
#pragma once
#if defined(__x86_64__)
#include <ATen/core/Tensor.h>
#include <ATen/native/CPUBlas.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace inference {

/// Whether there are vectors and matrix products for a type: for float32 AVX2 or AVX-512, for bfloat16 AVX512-BF16.
bool supports(at::ScalarType type);

/// Whether float32 is computed with AVX-512 in the calling thread; else it is AVX2.
bool usesAVX512();

/// Whether gradients of one of the inputs are needed.
inline bool needsGradients(std::initializer_list<at::Tensor> inputs) {
  return c10::GradMode::is_enabled() &&
         std::any_of(inputs.begin(), inputs.end(), [](const at::Tensor &x) { return x.defined() && x.requires_grad(); });
}

/// Leaves the state that matrix products set on this thread's core, when a thread has done its part.
struct ProductState {
  explicit ProductState(bool half) : half(half) {}
  ~ProductState() {
    if (half) at::native::cpublas::brgemm_release(true);
  }
  const bool half;
};

}  // namespace inference
#endif
