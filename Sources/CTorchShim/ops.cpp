// Operations that return a new tensor, one line each.
#include "bridge.h"
#include "winograd.h"

#include <ATen/Functions.h>
#include <ATen/Version.h>
#include <ATen/autocast_mode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <limits>

extern "C" {

#define DEFINE(op) CTTensor *ct_##op(CTTensor *x) { return make([&] { return at::op(T(x)); }); }
CT_UNARY_OPS(DEFINE)
#undef DEFINE
#define DEFINE_BOTH(op) \
  CTTensor *ct_##op(CTTensor *a, CTTensor *b) { return make([&] { return at::op(T(a), T(b)); }); }
CT_BINARY_OPS(DEFINE_BOTH)
#undef DEFINE_BOTH
#define DEFINE_SCALAR(op) \
  CTTensor *ct_##op##_scalar(CTTensor *a, double b) { return make([&] { return at::op(T(a), b); }); }
DEFINE_SCALAR(add) DEFINE_SCALAR(sub) DEFINE_SCALAR(mul) DEFINE_SCALAR(div) DEFINE_SCALAR(pow)
DEFINE_SCALAR(lt) DEFINE_SCALAR(le) DEFINE_SCALAR(gt) DEFINE_SCALAR(ge) DEFINE_SCALAR(eq) DEFINE_SCALAR(ne)
#undef DEFINE_SCALAR
CTTensor *ct_maximum_scalar(CTTensor *a, double b) { return make([&] { return at::clamp_min(T(a), b); }); }
CTTensor *ct_minimum_scalar(CTTensor *a, double b) { return make([&] { return at::clamp_max(T(a), b); }); }

CTTensor *ct_gelu(CTTensor *x, bool tanh) { return make([&] { return at::gelu(T(x), tanh ? "tanh" : "none"); }); }
CTTensor *ct_clamp(CTTensor *x, double low, double high) {
  return make([&] { return at::clamp(T(x), at::Scalar(low), at::Scalar(high)); });
}
CTTensor *ct_lerp(CTTensor *a, CTTensor *b, double w) { return make([&] { return at::lerp(T(a), T(b), w); }); }
CTTensor *ct_where(CTTensor *c, CTTensor *a, CTTensor *b) { return make([&] { return at::where(T(c), T(a), T(b)); }); }
CTTensor *ct_masked_fill(CTTensor *x, CTTensor *m, double v) {
  return make([&] { return at::masked_fill(T(x), T(m), v); });
}

CTTensor *ct_matmul(CTTensor *a, CTTensor *b) { return make([&] { return at::matmul(T(a), T(b)); }); }
CTTensor *ct_linear(CTTensor *x, CTTensor *w, CTTensor *b) { return make([&] { return at::linear(T(x), T(w), O(b)); }); }
CTTensor *ct_conv2d(CTTensor *x, CTTensor *w, CTTensor *b, int64_t stride, int64_t padding, int64_t groups) {
  return make([&] {
    if (winogradApplies(T(x), T(w), stride, padding, groups)) return winogradConvolution(T(x), T(w), O(b));
    return at::conv2d(T(x), T(w), O(b), {stride, stride}, {padding, padding}, {1, 1}, groups);
  });
}
CTTensor *ct_conv_transpose2d(CTTensor *x, CTTensor *w, CTTensor *b, int64_t stride, int64_t padding) {
  return make([&] { return at::conv_transpose2d(T(x), T(w), O(b), {stride, stride}, {padding, padding}); });
}
CTTensor *ct_embedding(CTTensor *w, CTTensor *ids) { return make([&] { return at::embedding(T(w), T(ids)); }); }
CTTensor *ct_group_norm(CTTensor *x, int64_t groups, CTTensor *w, CTTensor *b, double eps) {
  return make([&] { return at::group_norm(T(x), groups, O(w), O(b), eps, /*cudnn_enabled=*/true); });
}
CTTensor *ct_layer_norm(CTTensor *x, CTTensor *w, CTTensor *b, double eps) {
  return make([&] { return at::layer_norm(T(x), {T(x).size(-1)}, O(w), O(b), eps); });
}
CTTensor *ct_softmax(CTTensor *x, int64_t dim) { return make([&] { return at::softmax(T(x), dim); }); }
CTTensor *ct_log_softmax(CTTensor *x, int64_t dim) { return make([&] { return at::log_softmax(T(x), dim); }); }
// Whether libtorch's attention cannot take these tensors of 16 bits: on processors with AMX it packs them by AVX-512, also where
// ATEN_CPU_CAPABILITY forbids that, and throws (torch 2.13). Processors without AVX-512 do not pack.
static bool lacksAttention(const at::Tensor &q) {
#ifdef __x86_64__
  static const bool isForbidden =
      __builtin_cpu_supports("avx512f") && at::get_cpu_capability().find("AVX512") == std::string::npos;
  return isForbidden && q.is_cpu() && at::isReducedFloatingType(q.scalar_type());
#else
  return false;
#endif
}
CTTensor *ct_attention(CTTensor *q, CTTensor *k, CTTensor *v, CTTensor *mask, double scale) {
  // On a CPU, oneDNN's setup for the many small bf16 products of attention takes longer than the products: use float32.
  if (T(q).is_cpu() && at::autocast::is_autocast_enabled(at::kCPU)) {
    return make([&] {
      const c10::impl::ExcludeDispatchKeyGuard plain(at::autocast::get_autocast_dispatch_key_from_device_type(at::kCPU));
      return at::scaled_dot_product_attention(T(q).to(at::kFloat), T(k).to(at::kFloat), T(v).to(at::kFloat), O(mask),
                                              /*dropout_p=*/0.0, /*is_causal=*/false, scale);
    });
  }
  return make([&] {
    if (!lacksAttention(T(q)))
      return at::scaled_dot_product_attention(T(q), T(k), T(v), O(mask), /*dropout_p=*/0.0, /*is_causal=*/false, scale);
    std::optional<at::Tensor> added = O(mask);
    if (added && added->scalar_type() != at::kBool) added = added->to(at::kFloat);
    return at::scaled_dot_product_attention(T(q).to(at::kFloat), T(k).to(at::kFloat), T(v).to(at::kFloat), added,
                                            /*dropout_p=*/0.0, /*is_causal=*/false, scale)
        .to(T(q).scalar_type());
  });
}
CTTensor *ct_resize_bilinear(CTTensor *x, int64_t height, int64_t width, bool antialias) {
  return make([&] {
    return antialias ? at::_upsample_bilinear2d_aa(T(x), {height, width}, false)
                     : at::upsample_bilinear2d(T(x), {height, width}, false);
  });
}
CTTensor *ct_resize_nearest(CTTensor *x, int64_t height, int64_t width) {
  return make([&] { return at::upsample_nearest2d(T(x), {height, width}); });
}
CTTensor *ct_avg_pool2d(CTTensor *x, int64_t k, int64_t s) {
  return make([&] { return at::avg_pool2d(T(x), {k, k}, {s, s}); });
}
CTTensor *ct_max_pool2d(CTTensor *x, int64_t k, int64_t s) {
  return make([&] { return at::max_pool2d(T(x), {k, k}, {s, s}); });
}
CTTensor *ct_pixel_shuffle(CTTensor *x, int64_t r) { return make([&] { return at::pixel_shuffle(T(x), r); }); }
CTTensor *ct_pixel_unshuffle(CTTensor *x, int64_t r) { return make([&] { return at::pixel_unshuffle(T(x), r); }); }
CTTensor *ct_pad2d(CTTensor *x, int64_t left, int64_t right, int64_t top, int64_t bottom, CTPadding mode) {
  return make([&] {
    const int64_t sizes[] = {left, right, top, bottom};
    if (mode == CT_PAD_REFLECT) return at::reflection_pad2d(T(x), sizes);
    if (mode == CT_PAD_REPLICATE) return at::replication_pad2d(T(x), sizes);
    return at::constant_pad_nd(T(x), sizes, 0);
  });
}

CTTensor *ct_reshape(CTTensor *x, CT_INTS(shape)) { return make([&] { return at::reshape(T(x), I(shape, shapeCount)); }); }
CTTensor *ct_expand(CTTensor *x, CT_INTS(shape)) { return make([&] { return T(x).expand(I(shape, shapeCount)); }); }
CTTensor *ct_permute(CTTensor *x, CT_INTS(dims)) { return make([&] { return at::permute(T(x), I(dims, dimsCount)); }); }
CTTensor *ct_transpose(CTTensor *x, int64_t a, int64_t b) { return make([&] { return at::transpose(T(x), a, b); }); }
CTTensor *ct_unsqueeze(CTTensor *x, int64_t dim) { return make([&] { return at::unsqueeze(T(x), dim); }); }
CTTensor *ct_squeeze(CTTensor *x, int64_t dim) { return make([&] { return at::squeeze(T(x), dim); }); }
CTTensor *ct_flip(CTTensor *x, CT_INTS(dims)) { return make([&] { return at::flip(T(x), I(dims, dimsCount)); }); }
CTTensor *ct_cat(CT_TENSORS(parts), int64_t dim) { return make([&] { return at::cat(L(parts, partsCount), dim); }); }
CTTensor *ct_stack(CT_TENSORS(parts), int64_t dim) { return make([&] { return at::stack(L(parts, partsCount), dim); }); }
CTTensor *ct_repeat_interleave(CTTensor *x, int64_t repeats, int64_t dim) {
  return make([&] { return at::repeat_interleave(T(x), repeats, dim); });
}

CTTensor *ct_narrow(CTTensor *x, int64_t dim, int64_t start, int64_t length) {
  return make([&] { return at::narrow(T(x), dim, start, length); });
}
CTTensor *ct_slice(CTTensor *x, int64_t dim, int64_t start, int64_t end, int64_t step) {
  return make([&] { return at::slice(T(x), dim, start, end, step); });
}
CTTensor *ct_select(CTTensor *x, int64_t dim, int64_t index) { return make([&] { return at::select(T(x), dim, index); }); }
CTTensor *ct_index_select(CTTensor *x, int64_t dim, CTTensor *index) {
  return make([&] { return at::index_select(T(x), dim, T(index)); });
}
CTTensor *ct_gather(CTTensor *x, int64_t dim, CTTensor *index) {
  return make([&] { return at::gather(T(x), dim, T(index)); });
}

CTTensor *ct_sum(CTTensor *x, CT_INTS(dims), bool keep) {
  return make([&] { return dimsCount ? at::sum(T(x), I(dims, dimsCount), keep) : at::sum(T(x)); });
}
CTTensor *ct_mean(CTTensor *x, CT_INTS(dims), bool keep) {
  return make([&] { return dimsCount ? at::mean(T(x), I(dims, dimsCount), keep) : at::mean(T(x)); });
}
CTTensor *ct_amax(CTTensor *x, CT_INTS(dims), bool keep) { return make([&] { return at::amax(T(x), I(dims, dimsCount), keep); }); }
CTTensor *ct_amin(CTTensor *x, CT_INTS(dims), bool keep) { return make([&] { return at::amin(T(x), I(dims, dimsCount), keep); }); }
CTTensor *ct_var(CTTensor *x, CT_INTS(dims), bool unbiased, bool keep) {
  return make([&] {
    return dimsCount ? at::var(T(x), I(dims, dimsCount), unbiased, keep) : at::var(T(x), unbiased);
  });
}
CTTensor *ct_argmax(CTTensor *x, int64_t dim) { return make([&] { return at::argmax(T(x), dim); }); }
CTTensor *ct_cumprod(CTTensor *x, int64_t dim) { return make([&] { return at::cumprod(T(x), dim); }); }
CTTensor *ct_quantile(CTTensor *x, double q, int64_t dim, bool keep) {
  return make([&] { return at::quantile(T(x), q, dim, keep); });
}
CTTensor *ct_eigvalsh(CTTensor *x) { return make([&] { return at::linalg_eigvalsh(T(x)); }); }
CTTensor *ct_rfft2_power(CTTensor *x) {
  return make([&] { return at::view_as_real(at::fft_rfft2(T(x))).square().sum(-1); });
}

}  // extern "C"
