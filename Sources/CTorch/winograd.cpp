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
// fit a cache; where there are few of them, it is the weights that are. The order of sums does not depend on the number
// of threads.
#include "winograd.h"
#include "bridge.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <new>

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The functions of winograd_kernels.h for one instruction set.
struct Kernels {
  void (*inputTile)(const float *const *pixels, int64_t channels, float *to, int64_t slab);
  void (*outputTile)(const float *from, int64_t slab, int64_t channels, const float *bias, float *const *pixels);
  void (*outputAdjointTile)(const float *const *pixels, int64_t channels, float *to, int64_t slab);
  void (*inputAdjointTile)(const float *from, int64_t slab, int64_t first, int64_t last, float *const *pixels);
  void (*weightRow)(const float *weight, int64_t column, int64_t columns, float *to, int64_t slab);
  void (*weightAdjointRow)(const float *from, int64_t slab, float *weight, int64_t column, int64_t columns);
  void (*product)(const float *a, int64_t aRow, int64_t aStep, const float *b, int64_t bStep, float *c, int64_t cRow,
                  int64_t rows, int64_t depth, bool adds);
};

namespace baseline {
#include "winograd_kernels.h"
}

#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace avx2 {
#include "winograd_kernels.h"
}
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

const Kernels &kernels() {
#if defined(__x86_64__)
  static const bool hasAVX2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (hasAVX2) return avx2::kernels;
#endif
  return baseline::kernels;
}

using baseline::lanes;
using baseline::panel;
constexpr int64_t frequencies = 36;
constexpr int64_t middle = 7;  // the frequency of a tile that is its sum, in A dY Aᵀ
constexpr int64_t depthAtOnce = 384;  // a panel of so many rows stays in the first-level cache
constexpr int64_t blockBytes = 2 << 20;  // of both transforms of a block of tiles, where these are cut into blocks
constexpr int64_t wholeBytes = 16 << 20;  // up to which tiles stay together if the weights are many, compared with them
constexpr int64_t panelBytes = 640 << 10;  // of weights in all frequencies, where these are transformed in groups
constexpr int64_t fewestTiles = 4;  // with fewer ones the transform of the weights takes longer than it saves
constexpr int64_t fewestChannels = 16;

int64_t panels(int64_t columns) { return (columns + panel - 1) / panel; }

/// Rows of a matrix product: an even number, at least 4.
int64_t productRows(int64_t rows) { return std::max<int64_t>((rows + 1) / 2 * 2, 4); }

/// `count` floats and more, an odd number of cache lines: rows that are so far apart do not compete for the same places
/// in a cache.
int64_t spaced(int64_t count) { return (panels(count) | 1) * panel; }

/// Memory that a thread keeps from call to call: the system takes long to give and clear new memory.
class Buffer {
 public:
  /// At least `count` floats of any value.
  float *operator()(int64_t count) {
    if (count > size) {
      memory.reset();
      size = 0;
      memory.reset(static_cast<float *>(::operator new[](count * sizeof(float), alignment)));
      size = count;
    }
    return memory.get();
  }

 private:
  static constexpr std::align_val_t alignment{64};
  struct Free {
    void operator()(float *p) const { ::operator delete[](p, alignment); }
  };
  std::unique_ptr<float, Free> memory;
  int64_t size = 0;
};

struct Buffers {
  Buffer inputs, outputs, weights, weightGradient, edge;
};
thread_local Buffers buffers;

/// The sizes of a convolution, and how its tiles are cut into blocks.
struct Shape {
  int64_t inputs, outputs;  // channels
  int64_t height, width, tileColumns, tilesPerImage, tiles;
  int64_t block;  // tiles of a block: of several ones, or all if reading them again is less than keeping all weights
  int64_t inputRow, outputRow;  // floats from tile to tile in a buffer
  int64_t inputSlab, outputSlab;  // floats from frequency to frequency
  int64_t edgeCount;  // floats that stand for a pixel outside of the image

  Shape(const at::Tensor &x, const at::Tensor &weight)
      : inputs(weight.size(1)), outputs(weight.size(0)), height(x.size(2)), width(x.size(3)),
        tileColumns((width + 3) / 4), tilesPerImage((height + 3) / 4 * tileColumns), tiles(x.size(0) * tilesPerImage),
        inputRow(spaced(inputs)), outputRow(spaced(outputs)), edgeCount(std::max(inputRow, outputRow)) {
    const int64_t bytesPerTile = frequencies * (inputRow + outputRow) * int64_t(sizeof(float));
    const bool isSmall = tiles * bytesPerTile <= wholeBytes && tiles * (inputs + outputs) <= 2 * inputs * outputs;
    const int64_t most = isSmall ? tiles : std::max<int64_t>(blockBytes / bytesPerTile, 48);
    const int64_t blocks = std::max<int64_t>((tiles + most - 1) / most, 1);
    block = productRows((tiles + blocks - 1) / blocks);
    inputSlab = spaced(block * inputRow);
    outputSlab = spaced(block * outputRow);
  }

  /// Calls `f` with every block's first tile and its number of tiles.
  template <class F> void forEachBlock(F f) const {
    for (int64_t first = 0; first < tiles; first += block) f(first, std::min(block, tiles - first));
  }

  /// Pointers to `side`×`side` pixels of a tile, the first of them `before` pixels above and left of the tile; those
  /// outside of the image point to `edge`.
  template <class Float>
  void pixels(int64_t tile, Float *images, int64_t channels, Float *edge, int64_t side, int64_t before,
              Float **pixels) const {
    const int64_t image = tile / tilesPerImage, place = tile % tilesPerImage;
    const int64_t top = place / tileColumns * 4 - before, left = place % tileColumns * 4 - before;
    for (int64_t y = top; y < top + side; y++) {
      for (int64_t x = left; x < left + side; x++) {
        const bool inside = y >= 0 && y < height && x >= 0 && x < width;
        *pixels++ = inside ? images + ((image * height + y) * width + x) * channels : edge;
      }
    }
  }
};

/// Calls `f` for every tile of a block, on all threads.
template <class F> void forEachTile(int64_t count, F f) {
  at::parallel_for(0, count, 8, [&](int64_t begin, int64_t end) {
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

/// Panels that are processed together: all of them, or, where each is needed once, so many that they stay in a cache.
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
      at::parallel_for(0, frequencies, 1, [&](int64_t begin, int64_t end) {
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
  int64_t slab;  // floats from frequency to frequency
  float *transformed;

  void transform(int64_t first, int64_t last) const {
    at::parallel_for(0, (last - first) * rows, 64, [&](int64_t begin, int64_t end) {
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
  float *const edge = buffers.edge(3 * s.edgeCount), *const zeros = edge + s.edgeCount;
  float *const shift = zeros + s.edgeCount;
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
      s.pixels(first + i, to, s.outputs, edge, 4, 0, pixels);
      kernels().outputTile(outputs + i * s.outputRow, s.outputSlab, s.outputs, shift, pixels);
    });
  });
  return y;
}

/// Gradients of a convolution; those that nobody wants stay undefined.
struct Gradients {
  at::Tensor x, weight, bias;

  Gradients(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &dy, bool wantsX, bool wantsWeight,
            bool wantsBias)
      : s(x, weight), group(panelsAtOnce(s, productRows(s.outputs), s.inputs)),
        weightRow(spaced(std::min(group * panel, s.inputs))), weightSlab(spaced(productRows(s.outputs) * weightRow)) {
    edge = buffers.edge(2 * s.edgeCount);
    zeros = edge + s.edgeCount;
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
      if (wantsX) addToInput(first, count);  // last: it takes the buffer of the input's transform
    });
    if (wantsWeight && group >= panels(s.inputs)) finishWeight(0, s.inputs);
  }

 private:
  const Shape s;
  const int64_t group;  // panels of the weights' gradient that are processed together
  const int64_t weightRow, weightSlab;  // floats from row to row, from frequency to frequency of the weights' gradient
  float *edge, *zeros, *inputs, *outputs, *weightGradient = nullptr;
  std::optional<Weights> weights;

  void addToBias(int64_t count) const {
    float *const sums = bias.data_ptr<float>();
    for (int64_t i = 0; i < count; i++) {
      const float *const row = outputs + middle * s.outputSlab + i * s.outputRow;
      for (int64_t k = 0; k < s.outputs; k++) sums[k] += row[k];
    }
  }

  /// Sums over tiles, `[frequency, output channel, input channel]`; of a single block they become gradients at once.
  void addToWeight(int64_t count, bool adds) const {
    for (int64_t first = 0; first < panels(s.inputs); first += group) {
      const int64_t last = std::min(first + group, panels(s.inputs));
      at::parallel_for(0, frequencies, 1, [&](int64_t begin, int64_t end) {
        for (int64_t f = begin; f < end; f++) {
          for (int64_t p = 0; p < count; p += depthAtOnce) {
            for (int64_t j = first; j < last; j++) {
              kernels().product(outputs + f * s.outputSlab + p * s.outputRow, 1, s.outputRow,
                                inputs + f * s.inputSlab + p * s.inputRow + j * panel, s.inputRow,
                                weightGradient + f * weightSlab + (j - first) * panel, weightRow, productRows(s.outputs),
                                std::min(depthAtOnce, count - p), adds || p > 0);
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
    at::parallel_for(0, panels(s.inputs), 1, [&](int64_t begin, int64_t end) {  // tiles overlap, channels do not
      for (int64_t i = 0; i < count; i++) {
        float *pixels[36];
        s.pixels(first + i, to, s.inputs, edge, 6, 1, pixels);
        kernels().inputAdjointTile(inputs + i * s.inputRow, s.inputSlab, begin * panel, std::min(end * panel, s.inputs),
                                   pixels);
      }
    });
  }

  /// Gᵀ d G of the input channels `first..<last`.
  void finishWeight(int64_t first, int64_t last) const {
    float *const to = weight.data_ptr<float>();
    at::parallel_for(0, s.outputs, 4, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; k++) {
        for (int64_t c = first; c < last; c += lanes) {
          kernels().weightAdjointRow(weightGradient + k * weightRow + c - first, weightSlab, to + (k * s.inputs + c) * 9,
                                     9, std::min(lanes, last - c));
        }
      }
    });
  }
};

/// Keeps the input and not its transform, which is twice as large and made in little time.
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

std::atomic<bool> usesWinograd = false;

}  // namespace

bool winogradApplies(const at::Tensor &x, const at::Tensor &weight, int64_t stride, int64_t padding, int64_t groups) {
  if (!usesWinograd || stride != 1 || padding != 1 || groups != 1 || x.dim() != 4 || weight.dim() != 4) return false;
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
                         bias ? bias->contiguous() : at::Tensor());
}

extern "C" {

CTTensor *ct_winograd_conv2d(CTTensor *x, CTTensor *weight, CTTensor *bias) {
  return make([&] { return winogradConvolution(T(x), T(weight), O(bias)); });
}

void ct_set_uses_winograd(bool on) { usesWinograd = on; }
bool ct_uses_winograd(void) { return usesWinograd; }

bool ct_winograd_pays(void) {
#if defined(__x86_64__) && defined(__OPTIMIZE__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && !__builtin_cpu_supports("avx512f");
#else
  return false;
#endif
}

}  // extern "C"
