// Random numbers: torch's CPU generator, with which a seed means the same everywhere, or a device's own.
#include "bridge.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/detail/AcceleratorHooksInterface.h>
#include <ATen/ops/normal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randperm.h>

#include <mutex>

static CTGenerator *wrapGenerator(at::Generator g) { return reinterpret_cast<CTGenerator *>(new at::Generator(std::move(g))); }

static at::TensorOptions on(CTGenerator *g, at::ScalarType type) { return at::TensorOptions(type).device(G(g).device()); }

static at::Generator generatorOn(c10::Device device, uint64_t seed) {
  if (device.is_cpu()) return at::detail::createCPUGenerator(seed);
  at::globalContext().lazyInitDevice(device.type());
  at::Generator g = at::globalContext().getAcceleratorHooksInterface(device.type()).getNewGenerator(device.index());
  g.set_current_seed(seed);
  return g;
}

extern "C" {

CTGenerator *ct_generator_new(uint64_t seed, CTDeviceType device, int index) {
  CTGenerator *result = nullptr;
  guarded([&] { result = wrapGenerator(generatorOn(deviceOf(device, index), seed)); });
  return result;
}
CTDeviceType ct_generator_device(CTGenerator *g, int *index) { return deviceTypeOf(G(g).device(), index); }
void ct_generator_free(CTGenerator *g) { delete &G(g); }
void ct_generator_seed(CTGenerator *g, uint64_t seed) {
  const std::lock_guard<std::mutex> lock(G(g).mutex());
  G(g).set_current_seed(seed);
}
CTTensor *ct_generator_state(CTGenerator *g) {
  return make([&] { return G(g).get_state(); });
}
int ct_generator_set_state(CTGenerator *g, CTTensor *state) {
  return run([&] { G(g).set_state(T(state)); });
}

CTTensor *ct_randn(CT_INTS(shape), CTGenerator *g) {
  return make([&] { return at::randn(I(shape, shapeCount), G(g), on(g, at::kFloat)); });
}
CTTensor *ct_rand(CT_INTS(shape), CTGenerator *g) {
  return make([&] { return at::rand(I(shape, shapeCount), G(g), on(g, at::kFloat)); });
}
CTTensor *ct_randint(int64_t low, int64_t high, CT_INTS(shape), CTGenerator *g) {
  return make([&] { return at::randint(low, high, I(shape, shapeCount), G(g), on(g, at::kLong)); });
}
CTTensor *ct_randperm(int64_t count, CTGenerator *g) {
  return make([&] { return at::randperm(count, G(g), on(g, at::kLong)); });
}
int ct_normal_(CTTensor *x, double mean, double deviation, CTGenerator *g) {
  return run([&] { T(x).normal_(mean, deviation, G(g)); });
}
int ct_uniform_(CTTensor *x, double low, double high, CTGenerator *g) {
  return run([&] { T(x).uniform_(low, high, G(g)); });
}

}  // extern "C"
