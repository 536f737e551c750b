// Compiles the file KERNELS for AVX-512 and for AVX2, in the namespaces `avx512` and `avx2`. It defines `struct Kernels`, whose
// static functions are written with the functions of vectors_avx512.h, or the same of vectors_avx2.h.
#if defined(__x86_64__)
#include "vectors_avx2.h"
#include "vectors_avx512.h"

#include <ATen/core/Tensor.h>

#include <cstring>

BEGIN_AVX512
namespace inference::avx512 {
namespace {
#include "activations.h"
#include KERNELS
}  // namespace
}  // namespace inference::avx512
END_TARGET

BEGIN_AVX2
namespace inference::avx2 {
namespace {
#include "activations.h"
#include KERNELS
}  // namespace
}  // namespace inference::avx2
END_TARGET

namespace inference {
namespace {

/// Calls `body<Kernels, E>()` with the kernels for this processor and the type of elements, float32 or bfloat16.
template <class F> void forProcessor(at::ScalarType type, const F &body) {
  if (type == at::kBFloat16)
    body.template operator()<avx512::Kernels, at::BFloat16>();
  else if (usesAVX512())
    body.template operator()<avx512::Kernels, float>();
  else
    body.template operator()<avx2::Kernels, float>();
}

}  // namespace
}  // namespace inference
#endif
