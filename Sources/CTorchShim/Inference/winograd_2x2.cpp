// 3×3 convolutions with four ninths of the multiplications: F(2×2, 3×3) of Winograd's algorithm (Lavin and Gray, "Fast
// Algorithms for Convolutional Neural Networks", 2016, arXiv 1509.09308).
//
//   Y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ x B)]A
//
// of tiles of 2×2 output and 4×4 input pixels; sixteen matrix products, one for each frequency, sum over channels. The
// constants are 1 and ½, so that errors in float32 are those of a direct convolution. In bfloat16 transforms are computed in
// float32, and what is multiplied is rounded once more. The larger F(4×4) of CTorchShim, for training, needs more transforms for
// fewer products, which pays where these are slower.
#if defined(__x86_64__)
#include "winograd_2x2.h"

#include <ATen/ops/empty.h>

#include <cpuid.h>

namespace inference {

namespace {

constexpr int64_t frequencies = winogradFrequencies;
constexpr int64_t spacing = 96;  // elements between frequencies, so that they do not share lines of the cache

/// Tiles that are transformed, multiplied and transformed back together.
struct Tiles {
  const int64_t height, width, rows, columns, count;

  explicit Tiles(const at::Tensor &y)
      : height(y.size(2)), width(y.size(3)), rows((height + 1) / 2), columns((width + 1) / 2),
        count(y.size(0) * rows * columns) {}

  int64_t image(int64_t tile) const { return tile / (rows * columns); }
  int64_t top(int64_t tile) const { return tile / columns % rows * 2; }
  int64_t left(int64_t tile) const { return tile % columns * 2; }
};

}  // namespace
}  // namespace inference

#define KERNELS "Inference/winograd_2x2_kernels.h"
#include "Fused/each_processor.h"

namespace inference {

namespace {

template <class K, class E> void pack(const at::Tensor &kernel, CIWeights &w) {
  constexpr int64_t together = sizeof(E) == 2 ? 2 : 1;  // input channels
  const E *const from = kernel.const_data_ptr<E>();
  E *const to = w.values.data_ptr<E>();
  const int64_t groups = w.inputs / together;
  parallelFor(0, panels(w.columns) * groups, 32, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t index = task / groups, c = task % groups * together, width = panelWidth(w.columns, index);
      for (int64_t i = 0; i < width; i += K::width) {
        const int64_t start = panelStart(w.columns, index), n = start + i;
        K::packTaps(from + (n * w.inputs + c) * 9, w.inputs * 9, std::min(K::width, w.columns - n),
                    to + start * w.depth + c * width + i * together, w.slab);
      }
    }
  });
}

template <class K, class E> void convolve(const at::Tensor &x, const CIWeights &w, const at::Tensor &added, at::Tensor &y) {
  const Tiles tiles(y);
  const int64_t C = w.inputs, N = w.outputs, inputs = tiles.height * tiles.width * C, outputs = tiles.height * tiles.width * N;
  const int64_t count = panels(N), row = w.bias.size(0);
  constexpr int64_t bytes = 1 << 21;  // of transformed inputs
  const int64_t block = std::min(std::max(bytes / (frequencies * C * int64_t(sizeof(E))), int64_t(32)), tiles.count);
  const int64_t inputSlab = block * C + spacing, outputSlab = block * row + spacing;
  at::Tensor transformed = at::empty({frequencies * inputSlab}, x.options().memory_format(at::MemoryFormat::Contiguous));
  at::Tensor products = at::empty({frequencies * outputSlab}, w.bias.options());
  const E *const from = x.const_data_ptr<E>(), *const other = added.defined() ? added.const_data_ptr<E>() : nullptr;
  E *const middle = transformed.data_ptr<E>(), *const to = y.data_ptr<E>();
  float *const results = products.data_ptr<float>();
  for (int64_t first = 0; first < tiles.count; first += block) {
    const int64_t some = std::min(block, tiles.count - first);
    parallelFor(0, some, 8, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t tile = first + i;
        K::transformInput(from + tiles.image(tile) * inputs, tiles.height, tiles.width, C, tiles.top(tile), tiles.left(tile),
                          middle + i * C, inputSlab);
      }
    });
    parallelFor(0, frequencies * count, 1, [&](int64_t begin, int64_t end) {
      const ProductState state(sizeof(E) == 2);
      for (int64_t i = begin; i < end; i++) {
        const int64_t k = i / count, j = i % count;
        multiplyPanel(middle + k * inputSlab, C, some, w, j, k, results + k * outputSlab + panelStart(N, j), row);
      }
    });
    parallelFor(0, some, 8, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t tile = first + i, image = tiles.image(tile) * outputs;
        K::transformOutput(results + i * row, outputSlab, w.bias.const_data_ptr<float>(), other ? other + image : nullptr, tiles,
                           N, tiles.top(tile), tiles.left(tile), to + image);
      }
    });
  }
}

}  // namespace

/// Whether the processor multiplies tiles of bfloat16, which takes less time than the transforms.
static bool hasAMX() {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1);
}

bool winogradPays(at::ScalarType type) {
  static const bool multipliesTiles = hasAMX();
  return type == at::kFloat || !multipliesTiles;
}

void packWinograd(const at::Tensor &kernel, CIWeights &w) {
  forProcessor(kernel.scalar_type(), [&]<class K, class E>() { pack<K, E>(kernel, w); });
}

void winogradConvolution(const at::Tensor &x, const CIWeights &w, const at::Tensor &added, at::Tensor &y) {
  forProcessor(x.scalar_type(), [&]<class K, class E>() { convolve<K, E>(x, w, added, y); });
}

}  // namespace inference
#endif
