// Winograd's algorithm F(2×2, 3×3) for 3×3 convolutions with packed weights.
#pragma once
#if defined(__x86_64__)
#include "weights.h"

namespace inference {

/// Whether kernels of a type, float32 or bfloat16, are packed for this algorithm on this processor.
bool winogradPays(at::ScalarType type);

/// Number of matrices that a kernel is packed into.
constexpr int64_t winogradFrequencies = 16;

/// Fills the panels of `w` with G w Gᵀ of a kernel [N, C, 3, 3]: sixteen matrices [C, N].
void packWinograd(const at::Tensor &kernel, CIWeights &w);

/// The convolution of channels-last images with padding 1, into `y`; `added` may be undefined.
void winogradConvolution(const at::Tensor &x, const CIWeights &w, const at::Tensor &added, at::Tensor &y);

}  // namespace inference
#endif
