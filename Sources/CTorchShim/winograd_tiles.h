// Tiles and buffers of Winograd's algorithm, and the choice of the kernels for this processor.
#pragma once
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

namespace {

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
constexpr int64_t middle = 7;  // the frequency of A dY Aᵀ that is the sum of the tile
constexpr int64_t depthAtOnce = 384;  // rows of a panel that fit the L1 cache
constexpr int64_t blockBytes = 2 << 20;  // both transforms of a block of tiles, if there are several blocks
constexpr int64_t wholeBytes = 16 << 20;  // limit of a single block of tiles, if they are few compared to the weights
constexpr int64_t panelBytes = 640 << 10;  // a group of panels in all frequencies, if weights are transformed in groups
constexpr int64_t fewestTiles = 4;  // with fewer tiles, transforming the weights takes longer than it saves
constexpr int64_t fewestChannels = 16;

int64_t panels(int64_t columns) { return (columns + panel - 1) / panel; }

/// Rows of a matrix product: an even number, at least 4.
int64_t productRows(int64_t rows) { return std::max<int64_t>((rows + 1) / 2 * 2, 4); }

/// At least `count` floats, rounded to an odd number of cache lines, so that rows do not map to the same cache sets.
int64_t spaced(int64_t count) { return (panels(count) | 1) * panel; }

/// Memory that a thread reuses between calls: allocating and clearing new memory is slow.
class Buffer {
 public:
  /// At least `count` uninitialized floats.
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
  Buffer inputs, outputs, weights, weightGradient, constants, discarded;
};
thread_local Buffers buffers;

/// The sizes of a convolution, and the blocks of its tiles.
struct Shape {
  int64_t inputs, outputs;  // channels
  int64_t height, width, tileColumns, tilesPerImage, tiles;
  int64_t block;  // tiles per block; all of them if they are few compared with the weights
  int64_t inputRow, outputRow;  // floats between tiles in a buffer
  int64_t inputSlab, outputSlab;  // floats between frequencies
  int64_t edgeCount;  // floats of the placeholder for pixels outside of the image

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

}  // namespace
