// What attention computes with vectors; compiled by each_processor.h.

struct Kernels {
  /// Keys as a right-hand side: words of 32 bits (a float32, or two bfloat16 of a key) transposed, zeros for padding.
  template <class E> static void packKeys(const E *from, const Sizes &s, E *to) {
    constexpr int64_t pair = 4 / int64_t(sizeof(E));
    const int64_t words = s.depth / pair, padded = s.padded();
    int32_t *const out = reinterpret_cast<int32_t *>(to);
    for (int64_t i = 0; i < padded; i += lanes) {
      int64_t j = 0;
      if (i + lanes <= s.keys)
        for (; j + lanes <= words; j += lanes)
          transpose(from + i * s.keyRow + j * pair, s.keyRow / pair, out + j * padded + i, padded);
      for (; j < words; j++)
        for (int64_t k = i; k < i + lanes; k++) {
          int32_t word = 0;
          if (k < s.keys) std::memcpy(&word, from + k * s.keyRow + j * pair, 4);
          out[j * padded + k] = word;
        }
    }
  }

  /// Values as a right-hand side: rows in pairs for bfloat16, zeros for padding.
  template <class E> static void packValues(const E *from, const Sizes &s, E *to) {
    constexpr int64_t together = sizeof(E) == 2 ? 2 : 1;
    for (int64_t i = 0; i < s.padded(); i += together)
      for (int64_t c = 0; c < s.depth; c += lanes) {
        const Mask mask = firstLanes(s.depth - c);
        const auto row = [&](int64_t k) { return k < s.keys ? load(from + k * s.valueRow + c, mask) : splat(0); };
        if constexpr (together == 2)
          storePairs(to + i * s.depth + 2 * c, row(i), row(i + 1), mask);
        else
          store(to + i * s.depth + c, row(i), mask);
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
};
