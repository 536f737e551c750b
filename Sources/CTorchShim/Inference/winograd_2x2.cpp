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

BEGIN_AVX512

/// Bᵀ: four inputs.
inline void inputTransform(const __m512 *d, int stride, __m512 *o, int out) {
  o[0] = _mm512_sub_ps(d[0], d[2 * stride]);
  o[out] = _mm512_add_ps(d[stride], d[2 * stride]);
  o[2 * out] = _mm512_sub_ps(d[2 * stride], d[stride]);
  o[3 * out] = _mm512_sub_ps(d[stride], d[3 * stride]);
}

/// Aᵀ: four products to two outputs.
inline void outputTransform(const __m512 *d, int stride, __m512 *o, int out) {
  o[0] = _mm512_add_ps(_mm512_add_ps(d[0], d[stride]), d[2 * stride]);
  o[out] = _mm512_sub_ps(_mm512_sub_ps(d[stride], d[2 * stride]), d[3 * stride]);
}

/// Bᵀ x B of a tile; frequencies are `slab` elements apart.
template <class E>
void transformInput(const E *image, int64_t H, int64_t W, int64_t C, int64_t top, int64_t left, E *to, int64_t slab) {
  for (int64_t c = 0; c < C; c += lanes) {
    const __mmask16 mask = firstLanes(C - c);
    __m512 d[16], e[16], o[4];
    for (int i = 0; i < 4; i++)
      for (int j = 0; j < 4; j++) {
        const int64_t row = top - 1 + i, column = left - 1 + j;
        const bool outside = row < 0 || row >= H || column < 0 || column >= W;
        d[4 * i + j] = outside ? _mm512_setzero_ps() : load(image + (row * W + column) * C + c, mask);
      }
    for (int j = 0; j < 4; j++) inputTransform(d + j, 4, e + j, 4);
    for (int i = 0; i < 4; i++) {
      inputTransform(e + 4 * i, 1, o, 1);
      for (int j = 0; j < 4; j++) store(to + (4 * i + j) * slab + c, o[j], mask);
    }
  }
}

/// G: three weights to four.
inline void weightTransform(const __m512 *w, int stride, __m512 *o, int out) {
  const __m512 half = _mm512_set1_ps(0.5f), ends = _mm512_mul_ps(half, _mm512_add_ps(w[0], w[2 * stride]));
  const __m512 middle = _mm512_mul_ps(half, w[stride]);
  o[0] = w[0];
  o[out] = _mm512_add_ps(ends, middle);
  o[2 * out] = _mm512_sub_ps(ends, middle);
  o[3 * out] = w[2 * stride];
}

/// G w Gᵀ of the kernels of some outputs, which are `step` apart; a vector of outputs for each frequency.
template <class E> void transformWeights(const E *kernels, int64_t step, int64_t outputs, __m512 *to) {
  alignas(64) float taps[9][lanes] = {};
  for (int64_t n = 0; n < outputs; n++)
    for (int t = 0; t < 9; t++) taps[t][n] = float(kernels[n * step + t]);
  __m512 d[9], e[12];
  for (int t = 0; t < 9; t++) d[t] = load(taps[t]);
  for (int j = 0; j < 3; j++) weightTransform(d + j, 3, e + j, 3);
  for (int i = 0; i < 4; i++) weightTransform(e + 3 * i, 1, to + 4 * i, 1);
}

/// Packs the kernels of an input channel and some outputs; frequencies of `to` are `slab` elements apart.
void packTaps(const float *kernels, int64_t step, int64_t outputs, float *to, int64_t slab) {
  __m512 o[frequencies];
  transformWeights(kernels, step, outputs, o);
  for (int64_t k = 0; k < frequencies; k++) store(to + k * slab, o[k]);
}

/// Values in bfloat16, in the lower halves of words.
inline __m512i rounded(__m512 v) { return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(v)); }

/// The same of two input channels, whose values lie together.
void packTaps(const at::BFloat16 *kernels, int64_t step, int64_t outputs, at::BFloat16 *to, int64_t slab) {
  __m512 first[frequencies], second[frequencies];
  transformWeights(kernels, step, outputs, first);
  transformWeights(kernels + 9, step, outputs, second);
  for (int64_t k = 0; k < frequencies; k++)
    _mm512_storeu_si512(to + k * slab, _mm512_or_si512(rounded(first[k]), _mm512_slli_epi32(rounded(second[k]), 16)));
}

/// AᵀmA of a tile, with bias and `added`; frequencies of `from` are `slab` floats apart.
template <class E>
void transformOutput(const float *from, int64_t slab, const float *bias, const E *added, const Tiles &tiles, int64_t N,
                     int64_t top, int64_t left, E *image) {
  for (int64_t c = 0; c < N; c += lanes) {
    const __mmask16 mask = firstLanes(N - c);
    __m512 d[16], e[8], o[2];
    for (int k = 0; k < 16; k++) d[k] = load(from + k * slab + c);
    for (int j = 0; j < 4; j++) outputTransform(d + j, 4, e + j, 4);
    const __m512 b = load(bias + c);
    for (int64_t i = 0; i < 2 && top + i < tiles.height; i++) {
      outputTransform(e + 4 * i, 1, o, 1);
      for (int64_t j = 0; j < 2 && left + j < tiles.width; j++) {
        const int64_t place = ((top + i) * tiles.width + left + j) * N + c;
        __m512 v = _mm512_add_ps(o[j], b);
        if (added) v = _mm512_add_ps(v, load(added + place, mask));
        store(image + place, v, mask);
      }
    }
  }
}

END_AVX512

template <class E> void pack(const at::Tensor &kernel, CIWeights &w) {
  constexpr int64_t together = sizeof(E) == 2 ? 2 : 1;  // input channels
  const E *const from = kernel.const_data_ptr<E>();
  E *const to = w.values.data_ptr<E>();
  const int64_t groups = w.inputs / together;
  parallelFor(0, panels(w.columns) * groups, 32, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t index = task / groups, c = task % groups * together, width = panelWidth(w.columns, index);
      for (int64_t i = 0; i < width; i += lanes) {
        const int64_t start = panelStart(w.columns, index), n = start + i;
        packTaps(from + (n * w.inputs + c) * 9, w.inputs * 9, std::min(lanes, w.columns - n),
                 to + start * w.depth + c * width + i * together, w.slab);
      }
    }
  });
}

template <class E> void convolve(const at::Tensor &x, const CIWeights &w, const at::Tensor &added, at::Tensor &y) {
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
        transformInput(from + tiles.image(tile) * inputs, tiles.height, tiles.width, C, tiles.top(tile), tiles.left(tile),
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
        transformOutput(results + i * row, outputSlab, w.bias.const_data_ptr<float>(), other ? other + image : nullptr, tiles,
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

bool winogradPays(const at::Tensor &kernel, int64_t stride, int64_t padding) {
  return winogradPays(kernel.scalar_type()) && kernel.size(2) == 3 && stride == 1 && padding == 1 && kernel.size(0) >= 32 &&
         kernel.size(1) >= 32;
}

void packWinograd(const at::Tensor &kernel, CIWeights &w) {
  if (kernel.scalar_type() == at::kFloat)
    pack<float>(kernel, w);
  else
    pack<at::BFloat16>(kernel, w);
}

void winogradConvolution(const at::Tensor &x, const CIWeights &w, const at::Tensor &added, at::Tensor &y) {
  if (x.scalar_type() == at::kFloat)
    convolve<float>(x, w, added, y);
  else
    convolve<at::BFloat16>(x, w, added, y);
}

}  // namespace inference
#endif
