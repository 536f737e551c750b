// Gradient checkpointing: stores only the inputs of a computation and repeats it in the backward pass.
#include "bridge.h"
#include "winograd.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/ivalue.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace {

using torch::autograd::variable_list;

/// How the first run of a computation was computed, which its second run repeats: autocast and Winograd's algorithm.
struct Precision {
  c10::DeviceType device;
  bool on = at::autocast::is_autocast_enabled(device);
  at::ScalarType type = at::autocast::get_autocast_dtype(device);
  bool winograd = usesWinograd();

  /// Sets the state during its lifetime.
  struct Scope {
    c10::DeviceType device;
    bool before = at::autocast::is_autocast_enabled(device), winogradBefore;
    explicit Scope(const Precision &precision)
        : device(precision.device), winogradBefore(setUsesWinograd(precision.winograd)) {
      if (precision.on) at::autocast::set_autocast_dtype(device, precision.type);
      at::autocast::set_autocast_enabled(device, precision.on);
      at::autocast::increment_nesting();
    }
    ~Scope() {
      if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
      at::autocast::set_autocast_enabled(device, before);
      setUsesWinograd(winogradBefore);
    }
    Scope(const Scope &) = delete;
    Scope &operator=(const Scope &) = delete;
  };
};

/// The caller's computation.
struct Body : torch::CustomClassHolder {
  CTComputation compute;
  void *context;
  void (*releaseContext)(void *);
  Precision precision;

  Body(CTComputation compute, void *context, void (*releaseContext)(void *), c10::DeviceType device)
      : compute(compute), context(context), releaseContext(releaseContext), precision{device} {}
  ~Body() override { releaseContext(context); }

  at::Tensor operator()(at::TensorList inputs) const {
    std::vector<CTTensor *> handles;
    for (const at::Tensor &input : inputs) handles.push_back(wrap(input));  // the computation owns them
    CTTensor *result = compute(context, handles.data(), handles.size());
    at::Tensor tensor = T(result);
    ct_free(result);
    return tensor;
  }
};

struct Recomputation : torch::autograd::Function<Recomputation> {
  /// `anchor` requires a gradient, so that the result does too: the body may use parameters that are not among the
  /// inputs.
  static at::Tensor forward(torch::autograd::AutogradContext *context, const c10::intrusive_ptr<Body> &body,
                            const at::Tensor & /*anchor*/, at::TensorList inputs) {
    context->saved_data["body"] = c10::IValue::make_capsule(body);
    context->save_for_backward(inputs.vec());
    return (*body)(inputs);
  }

  static variable_list backward(torch::autograd::AutogradContext *context, const variable_list &gradients) {
    const c10::intrusive_ptr<torch::CustomClassHolder> holder = context->saved_data["body"].toCapsule();
    const Body &body = static_cast<const Body &>(*holder);
    variable_list inputs;
    for (const at::Tensor &input : context->get_saved_variables()) {
      inputs.push_back(input.detach().set_requires_grad(input.requires_grad()));
    }
    at::Tensor output;
    {
      const at::AutoGradMode recording(true);
      const Precision::Scope scope(body.precision);
      output = body(inputs);
    }
    // Accumulates the gradients of parameters; a layer that is frozen, on inputs without a gradient, has none.
    if (output.requires_grad()) torch::autograd::backward({output}, {gradients[0]});
    variable_list results(2);  // body and anchor have no gradient
    for (const at::Tensor &input : inputs) results.push_back(input.grad());
    return results;
  }
};

}  // namespace

extern "C" {

CTTensor *ct_share(CTTensor *x) { return wrap(T(x)); }

CTTensor *ct_recomputed(CTComputation compute, void *context, void (*release)(void *), CT_TENSORS(inputs)) {
  return make([&] {
    const variable_list given = L(inputs, inputsCount);
    const auto body = c10::make_intrusive<Body>(compute, context, release, given.at(0).device().type());
    if (!c10::GradMode::is_enabled()) return (*body)(given);
    return Recomputation::apply(body, at::empty({0}).set_requires_grad(true), at::TensorList(given));
  });
}

}  // extern "C"
