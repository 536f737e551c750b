// 3×3 convolutions on a CPU with a quarter of the multiplications: F(4×4, 3×3) of Winograd's algorithm (Lavin and
// Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, arXiv 1509.09308).
//
// A tile of 4×4 output pixels depends on 6×6 input pixels. Linear transforms turn these and the 3×3 weights into 36
// values each, here called frequencies, that are multiplied one by one; the sum over channels makes that a matrix
// product for each frequency:
//   Y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ x B)]A.
// Gradients are the adjoints of the same steps, so that both share the transform of the output's gradient:
//   dx = B[(G w Gᵀ) ⊙ (A dY Aᵀ)]Bᵀ,  dw = Gᵀ[(Bᵀ x B) ⊙ (A dY Aᵀ)]G.
// Channels are last in images and in buffers, so that every loop runs over channels. Tiles are processed in blocks that
// fit the cache; if there are few tiles, the weights are processed in groups instead. The order of sums does not depend
// on the number of threads.
#include "winograd.h"
#include "bridge.h"
#include "parallel.h"
#include "winograd_tiles.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <utility>

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Calls `f` for every tile of a block, on all threads.
template <class F> void forEachTile(int64_t count, F f) {
  parallelFor(0, count, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) f(i);
  });
}

/// Bᵀ x B of a block, `[frequency, tile, channel]`.
void transformInputs(const Shape &s, const float *images, const float *zeros, int64_t first, int64_t count, float *to) {
  forEachTile(count, [&](int64_t i) {
    const float *pixels[36];
    s.pixels(first + i, images, s.inputs, zeros, 6, 1, pixels);
    kernels().inputTile(pixels, s.inputs, to + i * s.inputRow, s.inputSlab);
  });
}

/// Number of panels that are processed together: all, or as many as fit the cache if each is needed only once.
int64_t panelsAtOnce(const Shape &s, int64_t rows, int64_t columns) {
  if (s.tiles > s.block) return panels(columns);
  return std::max<int64_t>(panelBytes / (frequencies * rows * panel * int64_t(sizeof(float))), 1);
}

/// Transformed weights, G w Gᵀ, as right-hand sides of matrix products, `[frequency, panel, row, 16]`.
class Weights {
 public:
  Weights(const Shape &s, const float *weight, int64_t rows, int64_t rowStride, int64_t columns, int64_t columnStride)
      : weight(weight), rows(rows), rowStride(rowStride), columns(columns), columnStride(columnStride),
        group(panelsAtOnce(s, rows, columns)), slab(spaced(std::min(group, panels(columns)) * rows * panel)),
        transformed(buffers.weights(frequencies * slab)) {
    if (group >= panels(columns)) transform(0, panels(columns));
  }

  /// `to = from · weights` for each frequency and `count` tiles.
  void multiply(const float *from, int64_t fromRow, int64_t fromSlab, float *to, int64_t toRow, int64_t toSlab,
                int64_t count) const {
    for (int64_t first = 0; first < panels(columns); first += group) {
      const int64_t last = std::min(first + group, panels(columns));
      if (group < panels(columns)) transform(first, last);
      parallelFor(0, frequencies, 1, [&](int64_t begin, int64_t end) {
        for (int64_t f = begin; f < end; f++) {
          for (int64_t p = 0; p < rows; p += depthAtOnce) {
            for (int64_t j = first; j < last; j++) {
              kernels().product(from + f * fromSlab + p, fromRow, 1,
                                transformed + f * slab + ((j - first) * rows + p) * panel, panel,
                                to + f * toSlab + j * panel, toRow, productRows(count), std::min(depthAtOnce, rows - p),
                                p > 0);
            }
          }
        }
      });
    }
  }

 private:
  const float *weight;
  int64_t rows, rowStride, columns, columnStride;
  int64_t group;  // panels that are transformed together
  int64_t slab;  // floats between frequencies
  float *transformed;

  void transform(int64_t first, int64_t last) const {
    parallelFor(0, (last - first) * rows, 64, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t column = (first + i / rows) * panel;
        kernels().weightRow(weight + column * columnStride + i % rows * rowStride, columnStride,
                            std::min(panel, columns - column), transformed + i * panel, slab);
      }
    });
  }
};

at::Tensor convolved(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias) {
  const Shape s(x, weight);
  at::Tensor y = at::empty({x.size(0), s.outputs, s.height, s.width},
                           x.options().memory_format(at::MemoryFormat::ChannelsLast));
  float *const zeros = buffers.constants(2 * s.edgeCount), *const shift = zeros + s.edgeCount;
  std::fill_n(zeros, 2 * s.edgeCount, 0.0f);
  if (bias.defined()) std::copy_n(bias.const_data_ptr<float>(), s.outputs, shift);
  const Weights weights(s, weight.const_data_ptr<float>(), s.inputs, 9, s.outputs, 9 * s.inputs);
  float *const inputs = buffers.inputs(frequencies * s.inputSlab);
  float *const outputs = buffers.outputs(frequencies * s.outputSlab);
  const float *const from = x.const_data_ptr<float>();
  float *const to = y.data_ptr<float>();
  s.forEachBlock([&](int64_t first, int64_t count) {
    transformInputs(s, from, zeros, first, count, inputs);
    weights.multiply(inputs, s.inputRow, s.inputSlab, outputs, s.outputRow, s.outputSlab, count);
    forEachTile(count, [&](int64_t i) {
      float *pixels[16];
      s.pixels(first + i, to, s.outputs, buffers.discarded(s.edgeCount), 4, 0, pixels);
      kernels().outputTile(outputs + i * s.outputRow, s.outputSlab, s.outputs, shift, pixels);
    });
  });
  return y;
}

/// Gradients of a convolution; those that are not needed stay undefined.
struct Gradients {
  at::Tensor x, weight, bias;

  Gradients(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &dy, bool wantsX, bool wantsWeight,
            bool wantsBias)
      : s(x, weight), group(panelsAtOnce(s, productRows(s.outputs), s.inputs)),
        weightRow(spaced(std::min(group * panel, s.inputs))), weightSlab(spaced(productRows(s.outputs) * weightRow)) {
    zeros = buffers.constants(s.edgeCount);
    std::fill_n(zeros, s.edgeCount, 0.0f);
    inputs = buffers.inputs(frequencies * s.inputSlab);
    outputs = buffers.outputs(frequencies * s.outputSlab);
    if (wantsX) {
      this->x = at::empty(x.sizes(), x.options().memory_format(at::MemoryFormat::ChannelsLast)).zero_();
      weights.emplace(s, weight.const_data_ptr<float>(), s.outputs, 9 * s.inputs, s.inputs, 9);
    }
    if (wantsWeight) {
      this->weight = at::empty(weight.sizes(), weight.options());
      weightGradient = buffers.weightGradient(frequencies * weightSlab);
    }
    if (wantsBias) bias = at::zeros({s.outputs}, weight.options());
    s.forEachBlock([&](int64_t first, int64_t count) {
      forEachTile(count, [&](int64_t i) {
        const float *pixels[16];
        s.pixels<const float>(first + i, dy.const_data_ptr<float>(), s.outputs, zeros, 4, 0, pixels);
        kernels().outputAdjointTile(pixels, s.outputs, outputs + i * s.outputRow, s.outputSlab);
      });
      if (wantsBias) addToBias(count);
      if (wantsWeight) {
        transformInputs(s, x.const_data_ptr<float>(), zeros, first, count, inputs);
        addToWeight(count, first > 0);
      }
      if (wantsX) addToInput(first, count);  // last, since it overwrites the input's transform
    });
    if (wantsWeight && group >= panels(s.inputs)) finishWeight(0, s.inputs);
  }

 private:
  const Shape s;
  const int64_t group;  // panels of the weights' gradient that are processed together
  const int64_t weightRow, weightSlab;  // floats between rows and frequencies of the weights' gradient
  float *zeros, *inputs, *outputs, *weightGradient = nullptr;
  std::optional<Weights> weights;

  void addToBias(int64_t count) const {
    float *const sums = bias.data_ptr<float>();
    for (int64_t i = 0; i < count; i++) {
      const float *const row = outputs + middle * s.outputSlab + i * s.outputRow;
      for (int64_t k = 0; k < s.outputs; k++) sums[k] += row[k];
    }
  }

  /// Sums over tiles, `[frequency, output channel, input channel]`; those of a single block are converted to gradients
  /// directly.
  void addToWeight(int64_t count, bool adds) const {
    for (int64_t first = 0; first < panels(s.inputs); first += group) {
      const int64_t last = std::min(first + group, panels(s.inputs));
      parallelFor(0, frequencies, 1, [&](int64_t begin, int64_t end) {
        for (int64_t f = begin; f < end; f++) {
          for (int64_t p = 0; p < count; p += depthAtOnce) {
            for (int64_t j = first; j < last; j++) {
              kernels().product(outputs + f * s.outputSlab + p * s.outputRow, 1, s.outputRow,
                                inputs + f * s.inputSlab + p * s.inputRow + j * panel, s.inputRow,
                                weightGradient + f * weightSlab + (j - first) * panel, weightRow,
                                productRows(s.outputs), std::min(depthAtOnce, count - p), adds || p > 0);
            }
          }
        }
      });
      if (group < panels(s.inputs)) finishWeight(first * panel, std::min(last * panel, s.inputs));
    }
  }

  void addToInput(int64_t first, int64_t count) const {
    weights->multiply(outputs, s.outputRow, s.outputSlab, inputs, s.inputRow, s.inputSlab, count);
    float *const to = x.data_ptr<float>();
    parallelFor(0, panels(s.inputs), 1, [&](int64_t begin, int64_t end) {  // tiles overlap, channels do not
      for (int64_t i = 0; i < count; i++) {
        float *pixels[36];
        s.pixels(first + i, to, s.inputs, buffers.discarded(s.edgeCount), 6, 1, pixels);
        kernels().inputAdjointTile(inputs + i * s.inputRow, s.inputSlab, begin * panel, std::min(end * panel, s.inputs),
                                   pixels);
      }
    });
  }

  /// Gᵀ d G of the input channels `first..<last`.
  void finishWeight(int64_t first, int64_t last) const {
    float *const to = weight.data_ptr<float>();
    parallelFor(0, s.outputs, 4, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; k++) {
        for (int64_t c = first; c < last; c += lanes) {
          kernels().weightAdjointRow(weightGradient + k * weightRow + c - first, weightSlab,
                                     to + (k * s.inputs + c) * 9, 9, std::min(lanes, last - c));
        }
      }
    });
  }
};

/// Saves the input instead of its transform, which is twice as large and quick to recompute.
struct Winograd : torch::autograd::Function<Winograd> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                            const at::Tensor &bias) {
    context->save_for_backward({x, weight});
    return convolved(x, weight, bias);
  }

  static variable_list backward(AutogradContext *context, const variable_list &gradients) {
    const variable_list saved = context->get_saved_variables();
    const Gradients result(saved[0], saved[1], gradients[0].contiguous(at::MemoryFormat::ChannelsLast),
                           context->needs_input_grad(0), context->needs_input_grad(1), context->needs_input_grad(2));
    return {result.x, result.weight, result.bias};
  }
};

thread_local bool isOn = false;

}  // namespace

bool usesWinograd() { return isOn; }

bool setUsesWinograd(bool on) { return std::exchange(isOn, on); }

bool winogradApplies(const at::Tensor &x, const at::Tensor &weight, int64_t stride, int64_t padding, int64_t groups) {
  if (!isOn || stride != 1 || padding != 1 || groups != 1 || x.dim() != 4 || weight.dim() != 4) return false;
  if (weight.size(2) != 3 || weight.size(3) != 3 || x.size(1) != weight.size(1)) return false;
  if (!x.is_cpu() || x.scalar_type() != at::kFloat) return false;
  if (!weight.is_cpu() || weight.scalar_type() != at::kFloat) return false;
  if (at::autocast::is_autocast_enabled(at::kCPU)) return false;
  if (std::min(weight.size(0), weight.size(1)) < fewestChannels) return false;
  const int64_t tiles = (x.size(2) + 3) / 4 * ((x.size(3) + 3) / 4), pixels = x.size(2) * x.size(3);
  return x.size(0) * tiles >= fewestTiles && 2 * pixels >= 16 * tiles;  // at least half of each tile is image
}

at::Tensor winogradConvolution(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias) {
  const bool fits = x.dim() == 4 && weight.dim() == 4 && weight.size(1) == x.size(1);
  TORCH_CHECK(fits && weight.size(2) == 3 && weight.size(3) == 3,
              "a Winograd convolution needs [B, C, H, W] and [K, C, 3, 3], got ", x.sizes(), " and ", weight.sizes());
  TORCH_CHECK(x.numel() > 0, "a Winograd convolution needs at least one pixel, got ", x.sizes());
  TORCH_CHECK(x.is_cpu() && x.scalar_type() == at::kFloat && weight.is_cpu() && weight.scalar_type() == at::kFloat,
              "a Winograd convolution needs float32 on a CPU");
  TORCH_CHECK(!bias || (bias->is_cpu() && bias->scalar_type() == at::kFloat && bias->numel() == weight.size(0)),
              "the bias of a Winograd convolution must be ", weight.size(0), " float32 values");
  return Winograd::apply(x.contiguous(at::MemoryFormat::ChannelsLast), weight.contiguous(),
                         bias ? bias->contiguous() : at::zeros({weight.size(0)}, weight.options()));
}

extern "C" {

CTTensor *ct_winograd_conv2d(CTTensor *x, CTTensor *weight, CTTensor *bias) {
  return make([&] { return winogradConvolution(T(x), T(weight), O(bias)); });
}

bool ct_set_uses_winograd(bool on) { return setUsesWinograd(on); }
bool ct_uses_winograd(void) { return usesWinograd(); }

bool ct_winograd_pays(void) {
#if defined(__x86_64__) && defined(__OPTIMIZE__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && !__builtin_cpu_supports("avx512f");
#else
  return false;
#endif
}

}  // extern "C"
