// Weights of 8 and 4 bits, widened to the type that a layer computes in, in one pass over memory.
#include "bridge.h"
#include "parallel.h"

#include <ATen/ops/empty.h>

namespace {

constexpr int64_t groupSize = 32;  // weights of a row that share a scale, in 4 bits
constexpr int64_t grain = 1 << 15;  // weights that a thread widens at least

at::ScalarType typeOf(CTType type) {
  TORCH_CHECK(type == CT_F32 || type == CT_BF16, "weights are widened to float32 or bfloat16");
  return type == CT_F32 ? at::kFloat : at::kBFloat16;
}

template <class R> void widenRows(const int8_t *from, const float *scale, R *to, int64_t rows, int64_t width) {
  parallelFor(0, rows, std::max<int64_t>(1, grain / width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const int8_t *x = from + row * width;
      R *y = to + row * width;
      const float s = scale[row];
      for (int64_t i = 0; i < width; i++) y[i] = static_cast<R>(static_cast<float>(x[i]) * s);
    }
  });
}

template <class R> void widenGroups(const uint8_t *from, const at::Half *scale, R *to, int64_t groups) {
  parallelFor(0, groups, grain / groupSize, [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; group++) {
      const uint8_t *x = from + group * groupSize / 2;
      R *y = to + group * groupSize;
      const float s = static_cast<float>(scale[group]);
      // The first half of a group is in the lower four bits, so that neither half is interleaved.
      for (int64_t i = 0; i < groupSize / 2; i++) {
        y[i] = static_cast<R>(static_cast<float>((x[i] & 15) - 8) * s);
        y[i + groupSize / 2] = static_cast<R>(static_cast<float>((x[i] >> 4) - 8) * s);
      }
    }
  });
}

}  // namespace

extern "C" {

CTTensor *ct_widen_int8(CTTensor *values, CTTensor *scale, CTType type) {
  return make([&] {
    const at::Tensor &x = T(values), &s = T(scale);
    TORCH_CHECK(x.is_cpu() && s.is_cpu() && x.scalar_type() == at::kChar && s.scalar_type() == at::kFloat &&
                    x.is_contiguous() && s.is_contiguous() && x.dim() > 0 && s.numel() == x.size(0),
                "8-bit weights need contiguous int8 on the CPU and a float32 scale for each row, got ", x.sizes(),
                " and ", s.sizes());
    at::Tensor y = at::empty(x.sizes(), x.options().dtype(typeOf(type)));
    if (x.numel() == 0) return y;
    const int64_t rows = x.size(0), width = x.numel() / rows;
    if (type == CT_F32)
      widenRows(x.const_data_ptr<int8_t>(), s.const_data_ptr<float>(), y.data_ptr<float>(), rows, width);
    else
      widenRows(x.const_data_ptr<int8_t>(), s.const_data_ptr<float>(), y.data_ptr<at::BFloat16>(), rows, width);
    return y;
  });
}

CTTensor *ct_widen_int4(CTTensor *values, CTTensor *scale, const int64_t *shape, size_t rank, CTType type) {
  return make([&] {
    const at::Tensor &x = T(values), &s = T(scale);
    at::Tensor y = at::empty(I(shape, rank), x.options().dtype(typeOf(type)));
    TORCH_CHECK(x.is_cpu() && s.is_cpu() && x.scalar_type() == at::kByte && s.scalar_type() == at::kHalf &&
                    x.is_contiguous() && s.is_contiguous() && x.numel() * 2 == y.numel() &&
                    s.numel() * groupSize == y.numel(),
                "4-bit weights of ", y.sizes(), " need contiguous uint8 for two on the CPU and a float16 scale for ",
                groupSize, ", got ", x.sizes(), " and ", s.sizes());
    if (type == CT_F32)
      widenGroups(x.const_data_ptr<uint8_t>(), s.const_data_ptr<at::Half>(), y.data_ptr<float>(), s.numel());
    else
      widenGroups(x.const_data_ptr<uint8_t>(), s.const_data_ptr<at::Half>(), y.data_ptr<at::BFloat16>(), s.numel());
    return y;
  });
}

}  // extern "C"
