// Packed weights, and the matrix product with them.
#pragma once
#if defined(__x86_64__)
#include "parallel.h"
#include "Fused/processor.h"
#include "Fused/vectors.h"

#include <ATen/core/Tensor.h>
#include <ATen/native/CPUBlas.h>

#include <algorithm>

namespace inference {

constexpr int64_t panel = 64;  // columns of a block of a product, at most
constexpr int64_t blockRows = 64;

/// How a layer reads its weights.
enum class Kind { matrix, gated, kernel, winograd };

/// Number of column panels of a product with `columns` columns.
constexpr int64_t panels(int64_t columns) { return (columns + panel - 1) / panel; }

/// The first column of a panel. Panels differ by 16 columns at most, so that threads get equal shares: 96 columns are 48 and 48.
constexpr int64_t panelStart(int64_t columns, int64_t index) {
  return roundedUp(columns, unit) / unit * index / panels(columns) * unit;
}

/// Columns of a panel that are computed: those at the end are zeros.
constexpr int64_t panelWidth(int64_t columns, int64_t index) {
  return panelStart(columns, index + 1) - panelStart(columns, index);
}

}  // namespace inference

/// Weights of one layer, in panels of up to 64 columns. A panel has the rows of the matrix, float32 one after the other, and
/// bfloat16 in pairs, each column's two values together, as the processor multiplies them.
struct CIWeights {
  inference::Kind kind;
  int64_t outputs, inputs;  // channels; of gated weights those after the gate
  int64_t columns, depth;  // of the product
  int64_t size, stride, padding;  // of a kernel
  int64_t slab;  // elements of one matrix; Winograd's algorithm has sixteen
  at::Tensor values;  // float32 or bfloat16
  at::Tensor bias;  // float32 for every column that is computed
};

namespace inference {

template <class E> const E *panelOf(const CIWeights &w, int64_t index, int64_t matrix = 0) {
  return w.values.const_data_ptr<E>() + matrix * w.slab + panelStart(w.columns, index) * w.depth;
}

/// `to = from · panel`, of `rows` rows.
template <class E>
void multiplyPanel(const E *from, int64_t fromRow, int64_t rows, const CIWeights &w, int64_t index, int64_t matrix,
                   float *to, int64_t toRow) {
  const int64_t width = panelWidth(w.columns, index);
  at::native::cpublas::brgemm(rows, width, w.depth, fromRow, width, toRow, false, from, panelOf<E>(w, index, matrix), to,
                              sizeof(E) == 2);
}

/// The product of all `rows`; `finish(row, rows, panel, block)` takes each block, whose rows are 64 floats apart.
///
/// A stripe of rows that stays in the cache is multiplied with one panel after the other. Threads share the blocks in this
/// order, so that they have equally many, and each reads most panels alone.
template <class E, class F>
void multiply(const E *from, int64_t fromRow, int64_t rows, const CIWeights &w, F finish) {
  constexpr int64_t cache = 1 << 18;
  const int64_t stripe = std::max<int64_t>(cache / (w.depth * int64_t(sizeof(E))) / blockRows, 1);  // in blocks
  const int64_t count = panels(w.columns), blocks = (rows + blockRows - 1) / blockRows;
  // A thread gets at least the work that takes longer than to wake it. With few rows, that is to read the weights.
  const int64_t grain = std::max<int64_t>(1, (1 << 19) / (std::clamp<int64_t>(rows, 16, blockRows) * w.depth * panel));
  parallelFor(0, blocks * count, grain, [&](int64_t begin, int64_t end) {
    alignas(64) float block[blockRows * panel];
    const ProductState state(sizeof(E) == 2);
    for (int64_t task = begin; task < end; task++) {
      const int64_t first = task / (stripe * count) * stripe, height = std::min(stripe, blocks - first);
      const int64_t index = (task - first * count) / height, row = (first + (task - first * count) % height) * blockRows;
      const int64_t some = std::min(blockRows, rows - row);
      multiplyPanel(from + row * fromRow, fromRow, some, w, index, 0, block, panel);
      finish(row, some, index, block);
    }
  });
}

}  // namespace inference
#endif
