// What ends a product of a layer, with vectors; compiled by each_processor.h.

struct Kernels {
  /// Adds the bias and `added` to a block of a product, and writes it as rows of `outputs` elements.
  template <class E>
  static void finishBlock(
      const CIWeights &w, int64_t row, int64_t rows, int64_t index, const float *block, const E *added, E *to) {
    const int64_t first = panelStart(w.columns, index), count = std::min(panelWidth(w.columns, index), w.outputs - first);
    const float *const bias = w.bias.const_data_ptr<float>() + first;
    for (int64_t c = 0; c < count; c += lanes) {
      const Mask mask = firstLanes(count - c);
      const Vector b = load(bias + c);
      for (int64_t i = 0; i < rows; i++) {
        const int64_t place = (row + i) * w.outputs + first + c;
        Vector v = load(block + i * panel + c) + b;
        if (added) v = v + load(added + place, mask);
        store(to + place, v, mask);
      }
    }
  }

  /// The same for a block whose last 32 columns gate the first 32.
  template <class E>
  static void finishGated(const CIWeights &w, int64_t row, int64_t rows, int64_t index, const float *block, E *to) {
    constexpr int64_t half = panel / 2;
    const float *const bias = w.bias.const_data_ptr<float>() + index * panel;
    const int64_t first = index * half, count = std::min(half, w.outputs - first);
    for (int64_t c = 0; c < count; c += lanes) {
      const Mask mask = firstLanes(count - c);
      const Vector b = load(bias + c), g = load(bias + half + c);
      for (int64_t i = 0; i < rows; i++) {
        const float *const from = block + i * panel + c;
        const Vector gate = gelu(load(from + half) + g);
        store(to + (row + i) * w.outputs + first + c, (load(from) + b) * gate, mask);
      }
    }
  }
};
