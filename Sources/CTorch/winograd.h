// 3×3 convolutions by Winograd's algorithm: what ct_conv2d chooses from.
#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

/// Whether a convolution is one that `winogradConvolution` computes, and of a size at which that is faster.
bool winogradApplies(const at::Tensor &x, const at::Tensor &weight, int64_t stride, int64_t padding, int64_t groups);

/// 3×3, stride 1, padding 1, in float32 on a CPU: `x` is `[B, C, H, W]`, the result has its channels last.
at::Tensor winogradConvolution(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias);
