// 3×3 convolutions by Winograd's algorithm, which ct_conv2d uses where they are faster.
#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

/// Whether the calling thread uses it; initially not.
bool usesWinograd();

/// Sets that, and returns what it was.
bool setUsesWinograd(bool on);

/// Whether `winogradConvolution` supports a convolution and is faster at its size.
bool winogradApplies(const at::Tensor &x, const at::Tensor &weight, int64_t stride, int64_t padding, int64_t groups);

/// 3×3, stride 1, padding 1, in float32 on a CPU: `x` is `[B, C, H, W]`, the result has its channels last.
at::Tensor winogradConvolution(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias);
