// Which instructions are used.
#include "CInference.h"
#include "bridge.h"

#include <atomic>
#include <cstdlib>

#if defined(__x86_64__)
#include "processor.h"
#include "vectors.h"

#include <ATen/Version.h>

#include <algorithm>
#include <string_view>

namespace inference {

namespace {

thread_local bool prefersAVX2 = false;

/// Whether libtorch computes with other instructions than those that it calls by these names: ATEN_CPU_CAPABILITY forbids some.
bool isNone(std::initializer_list<std::string_view> names) {
  const std::string used = at::get_cpu_capability();
  return std::find(names.begin(), names.end(), used) == names.end();
}

bool hasAVX512() {
  __builtin_cpu_init();
  static const bool has = isNone({"NO AVX", "DEFAULT", "AVX2"}) && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512vl");
  return has;
}

bool hasAVX2() {
  __builtin_cpu_init();
  static const bool has = isNone({"NO AVX", "DEFAULT"}) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has;
}

/// Whether a small product gives what it should: libtorch may have been told to use fewer instructions than there are.
template <class E> bool multiplies() noexcept {
  E a[2] = {E(2.0f), E(3.0f)}, b[2 * unit];
  float c[unit];
  for (int64_t i = 0; i < unit; i++) {
    // One row after the other in float32, pairs in bfloat16.
    b[sizeof(E) == 2 ? 2 * i : i] = E(float(i));
    b[sizeof(E) == 2 ? 2 * i + 1 : unit + i] = E(1.0f);
  }
  try {
    const ProductState state(sizeof(E) == 2);
    at::native::cpublas::brgemm(1, unit, 2, 2, unit, unit, false, a, b, c, sizeof(E) == 2);
  } catch (...) {
    return false;
  }
  for (int64_t i = 0; i < unit; i++)
    if (c[i] != 2.0f * float(i) + 3.0f) return false;
  return true;
}

}  // namespace

bool supports(at::ScalarType type) {
  static const bool single = hasAVX2() && multiplies<float>();
  static const bool half = hasAVX512() && __builtin_cpu_supports("avx512bf16") && multiplies<at::BFloat16>();
  return type == at::kFloat ? single : type == at::kBFloat16 && half;
}

bool usesAVX512() { return hasAVX512() && !prefersAVX2; }

}  // namespace inference
#endif

#if defined(__OPTIMIZE__)
static std::atomic<bool> inUse{std::getenv("FLUX_PLAIN") == nullptr};
#else
static std::atomic<bool> inUse{false};  // unoptimized, these loops are slower than libtorch's
#endif

extern "C" {

bool ci_in_use(void) { return inUse; }
void ci_set_in_use(bool on) { inUse = on; }

bool ci_supports(CTType type) {
#if defined(__x86_64__)
  return inference::supports(scalarType(type));
#else
  return false;
#endif
}

bool ci_trains(CTTensor *x) {
#if defined(__x86_64__)
  const at::Tensor &t = T(x);
  return inUse && t.is_cpu() && c10::GradMode::is_enabled() && t.requires_grad() && inference::supports(t.scalar_type());
#else
  return false;
#endif
}

bool ci_uses_avx512(void) {
#if defined(__x86_64__)
  return inference::usesAVX512();
#else
  return false;
#endif
}

void ci_prefer_avx2(bool on) {
#if defined(__x86_64__)
  inference::prefersAVX2 = on;
#endif
}

}  // extern "C"
