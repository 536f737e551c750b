// What vectors of AVX-512 and of AVX2 share. Kernels are written once, with the functions of vectors_avx512.h and
// vectors_avx2.h, and compiled for both (each_processor.h).
#pragma once
#if defined(__x86_64__)

#include <c10/util/BFloat16.h>
#include <immintrin.h>

#include <cmath>
#include <cstdint>

#ifdef __clang__
#define BEGIN_AVX512 \
  _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma\"))), apply_to = function)")
#define BEGIN_AVX2 _Pragma("clang attribute push(__attribute__((target(\"avx2,fma\"))), apply_to = function)")
#define END_TARGET _Pragma("clang attribute pop")
#else
#define BEGIN_AVX512 \
  _Pragma("GCC push_options") _Pragma("GCC target(\"avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma\")")
#define BEGIN_AVX2 _Pragma("GCC push_options") _Pragma("GCC target(\"avx2,fma\")")
#define END_TARGET _Pragma("GCC pop_options")
#endif

namespace inference {

/// Columns of packed matrices are a multiple of this: a vector of AVX-512, two of AVX2.
constexpr int64_t unit = 16;

constexpr int64_t roundedUp(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

}  // namespace inference
#endif
