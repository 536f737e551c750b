// Which instructions kernels use.
#include "CInference.h"

#if defined(__x86_64__)
#include "vectors.h"

#include <ATen/Version.h>

#include <algorithm>
#include <string_view>

namespace inference {

namespace {

/// Whether libtorch computes with other instructions than those that it calls by these names.
bool isNone(std::initializer_list<std::string_view> names) {
  const std::string used = at::get_cpu_capability();
  return std::find(names.begin(), names.end(), used) == names.end();
}

thread_local bool prefersAVX2 = false;

}  // namespace

bool hasAVX512() {
  __builtin_cpu_init();
  static const bool has = isNone({"NO AVX", "DEFAULT", "AVX2"}) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return has;
}

bool hasAVX2() {
  __builtin_cpu_init();
  static const bool has = isNone({"NO AVX", "DEFAULT"}) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has;
}

bool hasAVX512BF16() {
  static const bool has = hasAVX512() && __builtin_cpu_supports("avx512bf16");
  return has;
}

bool usesAVX512() { return hasAVX512() && !prefersAVX2; }

}  // namespace inference
#endif

extern "C" {

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
