// What attention and its gradients compute with vectors; compiled by each_processor.h.

struct Kernels {
  /// `count` rows as a right-hand side with a column for each: words of 32 bits (a float32, or two bfloat16) transposed, and
  /// zeros up to `padded` columns.
  template <class E>
  static void packColumns(const E *from, int64_t row, int64_t count, int64_t padded, int64_t depth, E *to) {
    constexpr int64_t pair = 4 / int64_t(sizeof(E));
    const int64_t words = depth / pair;
    int32_t *const out = reinterpret_cast<int32_t *>(to);
    for (int64_t i = 0; i < padded; i += lanes) {
      int64_t j = 0;
      if (i + lanes <= count)
        for (; j + lanes <= words; j += lanes) transpose(from + i * row + j * pair, row / pair, out + j * padded + i, padded);
      for (; j < words; j++)
        for (int64_t k = i; k < i + lanes; k++) {
          int32_t word = 0;
          if (k < count) std::memcpy(&word, from + k * row + j * pair, 4);
          out[j * padded + k] = word;
        }
    }
  }

  /// `count` rows as a right-hand side with the same rows: in pairs for bfloat16, and zeros up to `padded` rows.
  template <class E>
  static void packRows(const E *from, int64_t row, int64_t count, int64_t padded, int64_t depth, E *to) {
    constexpr int64_t together = sizeof(E) == 2 ? 2 : 1;
    for (int64_t i = 0; i < padded; i += together)
      for (int64_t c = 0; c < depth; c += lanes) {
        const Mask mask = firstLanes(depth - c);
        const auto values = [&](int64_t k) { return k < count ? load(from + k * row + c, mask) : splat(0); };
        if constexpr (together == 2)
          storePairs(to + i * depth + 2 * c, values(i), values(i + 1), mask);
        else
          store(to + i * depth + c, values(i), mask);
      }
  }

  /// exp(scale · (logit − the largest)) of a row; returns 1 / their sum.
  template <class E> static float softmaxRow(const float *logits, const float *offsets, int64_t count, float scale, E *to) {
    Vector most = splat(-INFINITY);
    const auto logit = [&](int64_t i) { return offsets ? load(logits + i) + load(offsets + i) : load(logits + i); };
    for (int64_t i = 0; i < count; i += lanes) most = maximum(most, logit(i));
    const Vector top = splat(largest(most)), factor = splat(scale);
    Vector total = splat(0);
    for (int64_t i = 0; i < count; i += lanes) {
      const Vector e = exponential((logit(i) - top) * factor);
      total = total + e;
      store(to + i, e);
    }
    return 1 / sum(total);
  }

  template <class E> static void scaleRow(const float *from, float factor, int64_t count, E *to) {
    for (int64_t c = 0; c < count; c += lanes) store(to + c, load(from + c) * splat(factor), firstLanes(count - c));
  }

  /// Turns a row of exponentials into weights, and the gradients of the weights into those of the logits before `scale`:
  /// w · (dw − Σ w · dw) · scale.
  static void softmaxGradients(float *weights, float factor, float *gradients, int64_t count, float scale) {
    Vector total = splat(0);
    for (int64_t i = 0; i < count; i += lanes) {
      const Vector w = load(weights + i) * splat(factor);
      total = fmadd(w, load(gradients + i), total);
      store(weights + i, w);
    }
    const Vector mean = splat(sum(total));
    for (int64_t i = 0; i < count; i += lanes)
      store(gradients + i, load(weights + i) * (load(gradients + i) - mean) * splat(scale));
  }

  /// Rows of `count` floats, transposed: `rows` elements for each column, which is `to`'s row; both are multiples of 16.
  template <class E> static void transposeRows(const float *from, int64_t rows, int64_t count, E *to) {
    for (int64_t i = 0; i < rows; i += lanes)
      for (int64_t j = 0; j < count; j += lanes) {
        if constexpr (sizeof(E) == 4) {
          transpose(from + i * count + j, count, to + j * rows + i, rows);
        } else {
          alignas(64) float tile[lanes * lanes];
          transpose(from + i * count + j, count, tile, lanes);
          for (int64_t k = 0; k < lanes; k++) store(to + (j + k) * rows + i, load(tile + k * lanes));
        }
      }
  }
};
