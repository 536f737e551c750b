// CInference: layers that are computed at once on a CPU with AVX-512 or AVX2.
//
// Attention, normalization and GEGLU have gradients. Weights of a network that only draws are packed once, for one kind of layer,
// in the order in which matrix products read them. The layers compute what libtorch's compute, up to the order of sums. A result
// does not depend on the number of threads.
#pragma once
#include "CTorch.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Packed weights of a layer, with its bias. They stay as they are: a later change of the weights does not change them.
typedef struct CIWeights CIWeights;

// Whether this processor and this libtorch have what networks of this type need: AVX2, for bfloat16 AVX512-BF16.
bool ci_supports(CTType type);
// Whether 3×3 kernels of a type are packed for Winograd's algorithm.
bool ci_uses_winograd(CTType type);
// Whether networks are to use it; initially true in optimized builds unless the environment variable FLUX_PLAIN is set.
bool ci_in_use(void);
void ci_set_in_use(bool on);
// Whether x needs gradients, and layers that are computed at once can give them.
bool ci_trains(CTTensor *x);
// Whether float32 is computed with AVX-512 in the calling thread, and not with AVX2; to prefer AVX2 is for tests. Packed weights
// are the same.
bool ci_uses_avx512(void);
void ci_prefer_avx2(bool on);

// A matrix [N, K], a kernel [N, K, 1, 1], or with `gated` a matrix [2 N, K] whose second half gates the first (GEGLU).
// NULL without an error if the sizes cannot be packed.
CIWeights *ci_pack_matrix(CTTensor *weight, CTTensor *bias /* may be NULL */, bool gated);
// A kernel [N, C, k, k] of a convolution without groups.
CIWeights *ci_pack_kernel(CTTensor *weight, CTTensor *bias /* may be NULL */, int64_t stride, int64_t padding);
void ci_free(CIWeights *weights);
int64_t ci_bytes(CIWeights *weights);
// `ci_bytes` of weights of these sizes, before there are any; 0 where they are not packed.
int64_t ci_matrix_bytes(CTType type, int64_t rows, int64_t inputs, bool gated);
int64_t ci_kernel_bytes(CTType type, int64_t outputs, int64_t inputs, int64_t size, int64_t stride, int64_t padding);

// x · Wᵀ + bias (+ added) over the last dimension; with gated weights a · gelu(b) of both halves.
CTTensor *ci_linear(CTTensor *x, CIWeights *weights, CTTensor *added /* may be NULL */);
// The convolution of [B, C, H, W] in channels-last layout, plus `added` of the result's shape.
CTTensor *ci_conv2d(CTTensor *x, CIWeights *weights, CTTensor *added /* may be NULL */);
// Normalization over groups of channels of [B, C, H, W] + shift [B, C], then x · sigmoid(x) with `silu`; channels-last.
CTTensor *ci_group_norm(CTTensor *x, int64_t groups, CTTensor *weight, CTTensor *bias, double eps,
                        CTTensor *shift /* may be NULL */, bool silu);
// a · b of batches [n, M, K] and [n, K, N] in float32, without gradients. NULL without an error if that is not covered.
CTTensor *ci_matmul(CTTensor *a, CTTensor *b);
// a · gelu(b) of the halves [a, b] of the last dimension, with the exact GELU.
CTTensor *ci_geglu(CTTensor *x);
// Attention of queries [B, N, D] over keys and values [B, M, D] with D / heads channels a head; `mask` [B, 1, 1, M] is
// true where a key may be attended to. NULL without an error if the sizes are beyond it.
CTTensor *ci_attention(CTTensor *q, CTTensor *k, CTTensor *v, int64_t heads, CTTensor *mask /* may be NULL */, double scale);

#ifdef __cplusplus
}
#endif
