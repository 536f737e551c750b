// Group normalization, a shift before it and the activation after it, in two passes over the image; the gradients likewise.
#include "CInference.h"
#include "bridge.h"

#if defined(__x86_64__)
#include "parallel.h"
#include "processor.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

namespace {

constexpr int64_t block = 64;  // channels whose sums a thread makes together

/// What normalizes an image: (x − center) · scale + offset, and the factor of x − center without the weight; C floats each.
struct Table {
  static constexpr int64_t rows = 4;
  float *scale, *offset, *center, *factor;

  Table(const at::Tensor &tables, int64_t image) {
    const int64_t C = tables.size(2);
    scale = tables.data_ptr<float>() + rows * image * C;
    offset = scale + C;
    center = offset + C;
    factor = center + C;
  }
};

}  // namespace

#define KERNELS "Fused/group_norm_kernels.h"
#include "each_processor.h"

namespace {

using namespace inference;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Parameters of a normalization, as float32.
struct Norm {
  int64_t groups;
  double eps;
  bool activates;
  at::Tensor weight, bias, shift;  // [C], [C], [B, C] or undefined

  const float *shiftOf(int64_t image) const {
    return shift.defined() ? shift.const_data_ptr<float>() + image * weight.numel() : nullptr;
  }
};

at::Tensor floats(const at::Tensor &x) { return x.defined() ? x.detach().to(at::kFloat).contiguous() : x; }

/// Completes the table of an image from the sums of `sumChannels`, which are in its scales and offsets.
template <class E>
void finishSums(const E *image, int64_t pixels, int64_t C, const Norm &norm, const float *shift, const Table &table) {
  const float *const weight = norm.weight.const_data_ptr<float>(), *const bias = norm.bias.const_data_ptr<float>();
  const float *const sums = table.scale, *const squares = table.offset;
  const int64_t size = C / norm.groups;
  for (int64_t first = 0; first < C; first += size) {
    double total = 0, squared = 0;
    for (int64_t c = first; c < first + size; c++) {
      const double mean = sums[c] / double(pixels);
      total += double(float(image[c])) + mean + (shift ? shift[c] : 0);
    }
    const double mean = total / double(size);
    for (int64_t c = first; c < first + size; c++) {
      const double inner = sums[c] / double(pixels);
      const double own = double(float(image[c])) + inner + (shift ? shift[c] : 0) - mean;
      squared += squares[c] / double(pixels) - inner * inner + own * own;
    }
    const double factor = 1 / std::sqrt(std::max(squared / double(size), 0.0) + norm.eps);
    for (int64_t c = first; c < first + size; c++) {
      const double scale = factor * weight[c];
      const double center = mean - (shift ? shift[c] : 0);
      table.center[c] = float(center);
      table.scale[c] = float(scale);
      table.offset[c] = float(bias[c] + (double(table.center[c]) - center) * scale);
      table.factor[c] = float(factor);
    }
  }
}

/// Calls `body(image, first pixel, count)` for shares of the pixels of a batch, on all threads.
template <class F> void forPixels(int64_t B, int64_t pixels, int64_t C, const F &body) {
  parallelFor(0, B * pixels, std::max<int64_t>(1, (1 << 13) / C), [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t image = begin / pixels, some = std::min(end, (image + 1) * pixels) - begin;
      body(image, begin, some);
      begin += some;
    }
  });
}

/// Normalizes the channels-last `x`, and returns the tables `[B, 4, C]`.
template <class K, class E> at::Tensor normalize(const at::Tensor &x, const Norm &norm, at::Tensor &y) {
  const int64_t B = x.size(0), C = x.size(1), pixels = x.size(2) * x.size(3), blocks = (C + block - 1) / block;
  at::Tensor tables = at::empty({B, Table::rows, C}, at::TensorOptions().dtype(at::kFloat));
  const E *const from = x.const_data_ptr<E>();
  E *const to = y.data_ptr<E>();
  const int64_t grain = std::max<int64_t>(1, (1 << 15) / (pixels * block));
  parallelFor(0, B * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t image = i / blocks;
      const Table table(tables, image);
      K::sumChannels(from + image * pixels * C, pixels, C, i % blocks * block, table.scale, table.offset);
    }
  });
  for (int64_t image = 0; image < B; image++)
    finishSums(from + image * pixels * C, pixels, C, norm, norm.shiftOf(image), Table(tables, image));
  forPixels(B, pixels, C, [&](int64_t image, int64_t first, int64_t some) {
    K::scaleChannels(from + first * C, to + first * C, some, C, Table(tables, image), norm.activates);
  });
  return tables;
}

/// Gradients of x, and in float32 of weight, bias and shift.
struct Gradients {
  at::Tensor x, weight, bias, shift;
};

/// Gradients of the images from those of their results, `dy`; both are channels-last.
///
/// With x̂ the normalized value, g the gradient before the activation and ⟨⟩ the mean over a group,
/// dx = factor · (weight · g − ⟨weight · g⟩ − x̂ · ⟨weight · g · x̂⟩).
template <class K, class E>
Gradients differentiate(const at::Tensor &x, const at::Tensor &dy, const at::Tensor &tables, const Norm &norm) {
  const int64_t B = x.size(0), C = x.size(1), pixels = x.size(2) * x.size(3), blocks = (C + block - 1) / block;
  const at::TensorOptions single = at::TensorOptions().dtype(at::kFloat);
  at::Tensor sums = at::empty({B, 3, C}, single), terms = at::empty({B, 2, C}, single);
  Gradients result{at::empty_like(x), at::empty({C}, single), at::empty({C}, single), at::empty({B, C}, single)};
  const E *const from = x.const_data_ptr<E>(), *const given = dy.const_data_ptr<E>();
  E *const to = result.x.data_ptr<E>();
  float *const summed = sums.data_ptr<float>(), *const term = terms.data_ptr<float>();
  parallelFor(0, B * blocks, std::max<int64_t>(1, (1 << 13) / (pixels * block)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t image = i / blocks, place = image * pixels * C;
      K::sumGradients(from + place, given + place, pixels, C, i % blocks * block, Table(tables, image), norm.activates,
                      summed + 3 * image * C);
    }
  });
  const float *const weight = norm.weight.const_data_ptr<float>();
  const int64_t size = C / norm.groups;
  const double count = double(pixels * size);
  for (int64_t image = 0; image < B; image++) {
    const float *const g = summed + 3 * image * C, *const product = g + C, *const normalized = product + C;
    float *const means = term + 2 * image * C, *const slopes = means + C;
    const Table table(tables, image);
    for (int64_t first = 0; first < C; first += size) {
      double mean = 0, slope = 0;
      for (int64_t c = first; c < first + size; c++) {
        mean += double(weight[c]) * g[c] / count;
        slope += double(weight[c]) * product[c] / count;
      }
      for (int64_t c = first; c < first + size; c++) {
        const double factor = table.factor[c];
        means[c] = float(factor * mean);
        slopes[c] = float(factor * factor * slope);
        result.shift.data_ptr<float>()[image * C + c] =
            float(factor * (double(weight[c]) * g[c] - double(pixels) * mean - slope * normalized[c]));
      }
    }
  }
  for (int64_t c = 0; c < C; c++) {  // in the order of the images, whatever the threads are
    double g = 0, product = 0;
    for (int64_t image = 0; image < B; image++) {
      g += summed[3 * image * C + c];
      product += summed[(3 * image + 1) * C + c];
    }
    result.weight.data_ptr<float>()[c] = float(product);
    result.bias.data_ptr<float>()[c] = float(g);
  }
  forPixels(B, pixels, C, [&](int64_t image, int64_t first, int64_t some) {
    K::inputGradients(from + first * C, given + first * C, some, C, Table(tables, image), norm.activates,
                      term + 2 * image * C, to + first * C);
  });
  return result;
}

/// The normalization of the channels-last `x`; `tables` gets what its gradients need.
at::Tensor normalized(const at::Tensor &x, const Norm &norm, at::Tensor &tables) {
  at::Tensor y = at::empty_like(x);
  forProcessor(x.scalar_type(), [&]<class K, class E>() { tables = normalize<K, E>(x, norm, y); });
  return y;
}

/// Saves the input and the tables; the activation's slope is computed again.
struct FusedGroupNorm : torch::autograd::Function<FusedGroupNorm> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                            const std::optional<at::Tensor> &shift, int64_t groups, double eps, bool activates) {
    const Norm norm{groups, eps, activates, floats(weight), floats(bias), floats(shift.value_or(at::Tensor()))};
    at::Tensor tables;
    const at::Tensor y = normalized(x, norm, tables);
    context->save_for_backward({x, weight, bias, shift.value_or(at::Tensor()), tables});
    context->saved_data["groups"] = groups;
    context->saved_data["activates"] = activates;
    return y;
  }

  static variable_list backward(AutogradContext *context, const variable_list &gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2], &shift = saved[3];
    const Norm norm{context->saved_data["groups"].toInt(), 0, context->saved_data["activates"].toBool(), floats(weight),
                    floats(bias), at::Tensor()};
    const at::Tensor dy = gradients[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    Gradients result;
    forProcessor(x.scalar_type(), [&]<class K, class E>() { result = differentiate<K, E>(x, dy, saved[4], norm); });
    return {result.x, result.weight.to(weight.scalar_type()), result.bias.to(bias.scalar_type()),
            shift.defined() ? result.shift.to(shift.scalar_type()) : at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace
#endif

extern "C" {

CTTensor *ci_group_norm(CTTensor *x, int64_t groups, CTTensor *weight, CTTensor *bias, double eps, CTTensor *shift, bool silu) {
#if defined(__x86_64__)
  return make([&] {
    const at::Tensor from = T(x).contiguous(at::MemoryFormat::ChannelsLast), by = shift ? T(shift) : at::Tensor();
    TORCH_CHECK(from.is_cpu() && T(weight).numel() == from.size(1) && from.size(1) % groups == 0, groups, " groups for ",
                from.sizes());
    TORCH_CHECK(!shift || by.numel() == from.size(0) * from.size(1), "a shift of ", by.sizes(), " for ", from.sizes());
    if (needsGradients({from, T(weight), T(bias), by}))
      return FusedGroupNorm::apply(from, T(weight), T(bias), shift ? std::make_optional(by) : std::nullopt, groups, eps, silu);
    at::Tensor tables;
    return normalized(from, Norm{groups, eps, silu, floats(T(weight)), floats(T(bias)), floats(by)}, tables);
  });
#else
  return nullptr;
#endif
}

}  // extern "C"
