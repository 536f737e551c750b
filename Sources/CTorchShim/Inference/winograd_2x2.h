// Winograd's algorithm F(2×2, 3×3) for 3×3 convolutions with packed weights, in float32.
#pragma once
#if defined(__x86_64__)
#include "weights.h"

#include <vector>

namespace inference {

/// Whether a kernel is packed for this algorithm.
bool winogradPays(const at::Tensor &kernel, int64_t stride, int64_t padding);

/// G w Gᵀ of a kernel [N, C, 3, 3]: sixteen matrices [C, N], in float32.
std::vector<at::Tensor> winogradWeights(const at::Tensor &kernel);

/// The convolution of channels-last images with padding 1, into `y`; `added` may be undefined.
void winogradConvolution(const at::Tensor &x, const CIWeights &w, const at::Tensor &added, at::Tensor &y);

}  // namespace inference
#endif
