// Gradients, modes, updates in place, and operations over many tensors at once.
#include "bridge.h"

#include <ATen/Functions.h>
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

static c10::DeviceType deviceType(CTDeviceType type) { return deviceOf(type, 0).type(); }

namespace {

/// A callback after the gradient of a leaf was accumulated.
struct GradientHook final : torch::autograd::PostAccumulateGradHook {
  void (*callback)(void *);
  void *context;
  void (*release)(void *);

  GradientHook(void (*callback)(void *), void *context, void (*release)(void *))
      : callback(callback), context(context), release(release) {}
  GradientHook(const GradientHook &) = delete;
  GradientHook &operator=(const GradientHook &) = delete;
  ~GradientHook() override { release(context); }
  void operator()(const at::Tensor &) override { callback(context); }
};

}  // namespace

extern "C" {

int ct_copy_(CTTensor *x, CTTensor *source) { return run([&] { T(x).copy_(T(source)); }); }
int ct_add_(CTTensor *x, CTTensor *other, double alpha) { return run([&] { T(x).add_(T(other), alpha); }); }
int ct_mul_(CTTensor *x, double factor) { return run([&] { T(x).mul_(factor); }); }
int ct_fill_(CTTensor *x, double value) { return run([&] { T(x).fill_(value); }); }
int ct_lerp_(CTTensor *x, CTTensor *other, double weight) { return run([&] { T(x).lerp_(T(other), weight); }); }

int ct_set_data_(CTTensor *x, CTTensor *data) { return run([&] { T(x).set_data(T(data).detach()); }); }

int ct_set_requires_grad(CTTensor *x, bool on) { return run([&] { T(x).set_requires_grad(on); }); }
bool ct_requires_grad(CTTensor *x) { return T(x).requires_grad(); }
CTTensor *ct_grad(CTTensor *x) {
  const at::Tensor &gradient = T(x).grad();
  return gradient.defined() ? wrap(gradient) : nullptr;
}
void ct_clear_grad(CTTensor *x) { T(x).mutable_grad().reset(); }
int ct_backward(CTTensor *x) { return run([&] { T(x).backward(); }); }

int ct_on_gradient(CTTensor *x, void (*callback)(void *), void *context, void (*release)(void *)) {
  return run([&] {
    std::unique_ptr<torch::autograd::PostAccumulateGradHook> hook;
    if (callback) hook = std::make_unique<GradientHook>(callback, context, release);
    TORCH_CHECK(T(x).is_leaf() && T(x).requires_grad(), "gradients are accumulated into leaves that require them");
    torch::autograd::impl::set_post_acc_grad_hooks(T(x), std::move(hook));
  });
}

bool ct_set_grad_enabled(bool on) {
  const bool before = c10::GradMode::is_enabled();
  c10::GradMode::set_enabled(on);
  return before;
}
bool ct_grad_enabled(void) { return c10::GradMode::is_enabled(); }
CTInference *ct_inference_begin(void) { return reinterpret_cast<CTInference *>(new c10::InferenceMode(true)); }
void ct_inference_end(CTInference *guard) { delete reinterpret_cast<c10::InferenceMode *>(guard); }

void ct_autocast_begin(CTDeviceType device, CTType type) {
  at::autocast::set_autocast_dtype(deviceType(device), scalarType(type));
  at::autocast::set_autocast_enabled(deviceType(device), true);
  at::autocast::increment_nesting();
}
void ct_autocast_end(CTDeviceType device) {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(deviceType(device), false);
}
bool ct_set_autocast_enabled(CTDeviceType device, bool on) {
  const bool before = at::autocast::is_autocast_enabled(deviceType(device));
  at::autocast::set_autocast_enabled(deviceType(device), on);
  return before;
}

int ct_fused_adamw_(CT_TENSORS(parameters), CT_TENSORS(gradients), CT_TENSORS(firstMoments),
                    CT_TENSORS(secondMoments), CT_TENSORS(steps), double learningRate, double beta1, double beta2,
                    double weightDecay, double eps, CTTensor *skip) {
  return run([&] {
    const c10::NoGradGuard guard;
    auto p = L(parameters, parametersCount), g = L(gradients, gradientsCount), m = L(firstMoments, firstMomentsCount),
         v = L(secondMoments, secondMomentsCount), s = L(steps, stepsCount);
    at::_fused_adamw_(p, g, m, v, /*max_exp_avg_sqs=*/{}, s, learningRate, beta1, beta2, weightDecay, eps,
                      /*amsgrad=*/false, /*maximize=*/false, /*grad_scale=*/{}, /*found_inf=*/O(skip));
  });
}
int ct_foreach_lerp_(CT_TENSORS(xs), CT_TENSORS(targets), double weight) {
  return run([&] {
    const c10::NoGradGuard guard;
    at::_foreach_lerp_(L(xs, xsCount), L(targets, targetsCount), at::Scalar(weight));
  });
}
int ct_foreach_mul_(CT_TENSORS(xs), double factor) {
  return run([&] {
    const c10::NoGradGuard guard;
    at::_foreach_mul_(L(xs, xsCount), at::Scalar(factor));
  });
}
int ct_foreach_mul_tensor_(CT_TENSORS(xs), CTTensor *factor) {
  return run([&] {
    const c10::NoGradGuard guard;
    at::_foreach_mul_(L(xs, xsCount), T(factor));
  });
}
int ct_foreach_add_(CT_TENSORS(xs), CT_TENSORS(terms)) {
  return run([&] {
    const c10::NoGradGuard guard;
    at::_foreach_add_(L(xs, xsCount), L(terms, termsCount));
  });
}
int ct_foreach_add_tensor_(CT_TENSORS(xs), CTTensor *term) {
  return run([&] {
    const c10::NoGradGuard guard;
    at::_foreach_add_(L(xs, xsCount), T(term));
  });
}
CTTensor *ct_foreach_total_norm(CT_TENSORS(xs)) {
  return make([&] {
    const c10::NoGradGuard guard;
    return at::linalg_vector_norm(at::stack(at::_foreach_norm(L(xs, xsCount), 2)), 2);
  });
}

}  // extern "C"
