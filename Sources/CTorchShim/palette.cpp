// The last operation of the palette head: the mean of the K colors of a pixel, weighted by the softmax of its K logits.
//
// Separate operations would store the products of weights and colors for the gradient; this stores only the fields, the
// weights and the image.
#include "bridge.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// `fields` is `[B, 4K, H, W]`: K logits, then K colors of three channels each.
struct PaletteMix : torch::autograd::Function<PaletteMix> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &fields, int64_t colors, double sharpness) {
    const at::Tensor weights = at::softmax(fields.narrow(1, 0, colors) * sharpness, 1);
    const at::Tensor palette = colorsOf(fields, colors);
    at::Tensor image = palette.select(1, 0) * weights.narrow(1, 0, 1);
    for (int64_t k = 1; k < colors; k++) image.addcmul_(palette.select(1, k), weights.narrow(1, k, 1));
    context->save_for_backward({fields, weights, image});
    context->saved_data["colors"] = colors;
    context->saved_data["sharpness"] = sharpness;
    return image;
  }

  static variable_list backward(AutogradContext *context, const variable_list &gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &fields = saved[0], &weights = saved[1], &image = saved[2], &d = gradients[0];
    const int64_t colors = context->saved_data["colors"].toInt();
    const at::Tensor palette = colorsOf(fields, colors);
    at::Tensor result = at::empty_like(fields);
    const at::Tensor mean = (image * d).sum(1, /*keepdim=*/true);
    for (int64_t k = 0; k < colors; k++) {
      const at::Tensor weight = weights.narrow(1, k, 1);
      at::Tensor logit = result.narrow(1, k, 1);
      at::mul_out(logit, (palette.select(1, k) * d).sum(1, true).sub_(mean).mul_(weight),
                  at::scalar_tensor(context->saved_data["sharpness"].toDouble(), fields.options()));
      at::Tensor color = result.narrow(1, colors + 3 * k, 3);
      at::mul_out(color, weight, d);
    }
    return {result, at::Tensor(), at::Tensor()};
  }

  static at::Tensor colorsOf(const at::Tensor &fields, int64_t colors) {
    return fields.narrow(1, colors, 3 * colors).unflatten(1, {colors, 3});
  }
};

}  // namespace

extern "C" {

CTTensor *ct_palette_mix(CTTensor *fields, int64_t colors, double sharpness) {
  return make([&] {
    TORCH_CHECK(T(fields).dim() == 4 && T(fields).size(1) == 4 * colors, "palette fields must be [B, ", 4 * colors,
                ", H, W], got ", T(fields).sizes());
    return PaletteMix::apply(T(fields), colors, sharpness);
  });
}

}  // extern "C"
