// Random numbers of torch's CPU generator, which are the same on every machine, or of a device's generator.
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

// Torch's Mersenne Twister takes the low 32 bits of a seed. For a longer seed, both halves initialize the state
// (init_by_array; Matsumoto & Nishimura, 2002), so that all 64 bits count.
static void seedWithAllBits(at::Generator &g, uint64_t seed) {
  if (!g.device().is_cpu() || seed <= UINT32_MAX) return;
  constexpr int n = at::MERSENNE_STATE_N;
  at::mt19937_data_pod data = at::mt19937(19650218).data();
  const uint32_t key[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  auto &state = data.state_;
  const auto mixed = [&](int i, uint32_t factor) { return state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) * factor); };
  int i = 1;
  const auto advance = [&] {
    if (++i == n) {
      state[0] = state[n - 1];
      i = 1;
    }
  };
  for (int k = 0; k < n; k++) {
    state[i] = mixed(i, 1664525) + key[k % 2] + static_cast<uint32_t>(k % 2);
    advance();
  }
  for (int k = 0; k < n - 1; k++) {
    state[i] = mixed(i, 1566083941) - static_cast<uint32_t>(i);
    advance();
  }
  state[0] = 0x80000000;
  data.seed_ = seed;
  at::mt19937 engine;
  engine.set_data(data);
  g.get<at::CPUGeneratorImpl>()->set_engine(engine);
}

static at::Generator generatorOn(c10::Device device, uint64_t seed) {
  if (device.is_cpu()) {
    at::Generator g = at::detail::createCPUGenerator(seed);
    seedWithAllBits(g, seed);
    return g;
  }
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
  seedWithAllBits(G(g), seed);
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
