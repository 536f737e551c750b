// The transforms of Winograd's algorithm F(2×2, 3×3), with vectors of channels; compiled by each_processor.h.

struct Kernels {
  static constexpr int64_t width = lanes;  // channels that are transformed together

  /// Bᵀ: four inputs.
  static void inputTransform(const Vector *d, int stride, Vector *o, int out) {
    o[0] = d[0] - d[2 * stride];
    o[out] = d[stride] + d[2 * stride];
    o[2 * out] = d[2 * stride] - d[stride];
    o[3 * out] = d[stride] - d[3 * stride];
  }

  /// Aᵀ: four products to two outputs.
  static void outputTransform(const Vector *d, int stride, Vector *o, int out) {
    o[0] = d[0] + d[stride] + d[2 * stride];
    o[out] = d[stride] - d[2 * stride] - d[3 * stride];
  }

  /// Bᵀ x B of a tile; frequencies are `slab` elements apart.
  template <class E>
  static void transformInput(
      const E *image, int64_t H, int64_t W, int64_t C, int64_t top, int64_t left, E *to, int64_t slab) {
    for (int64_t c = 0; c < C; c += lanes) {
      const Mask mask = firstLanes(C - c);
      Vector d[16], e[16], o[4];
      for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
          const int64_t row = top - 1 + i, column = left - 1 + j;
          const bool outside = row < 0 || row >= H || column < 0 || column >= W;
          d[4 * i + j] = outside ? splat(0) : load(image + (row * W + column) * C + c, mask);
        }
      for (int j = 0; j < 4; j++) inputTransform(d + j, 4, e + j, 4);
      for (int i = 0; i < 4; i++) {
        inputTransform(e + 4 * i, 1, o, 1);
        for (int j = 0; j < 4; j++) store(to + (4 * i + j) * slab + c, o[j], mask);
      }
    }
  }

  /// AᵀmA of a tile, with bias and `added`; frequencies of `from` are `slab` floats apart.
  template <class E>
  static void transformOutput(
      const float *from, int64_t slab, const float *bias, const E *added, const Tiles &tiles, int64_t N, int64_t top,
      int64_t left, E *image) {
    for (int64_t c = 0; c < N; c += lanes) {
      const Mask mask = firstLanes(N - c);
      Vector d[16], e[8], o[2];
      for (int k = 0; k < 16; k++) d[k] = load(from + k * slab + c);
      for (int j = 0; j < 4; j++) outputTransform(d + j, 4, e + j, 4);
      const Vector b = load(bias + c);
      for (int64_t i = 0; i < 2 && top + i < tiles.height; i++) {
        outputTransform(e + 4 * i, 1, o, 1);
        for (int64_t j = 0; j < 2 && left + j < tiles.width; j++) {
          const int64_t place = ((top + i) * tiles.width + left + j) * N + c;
          Vector v = o[j] + b;
          if (added) v = v + load(added + place, mask);
          store(image + place, v, mask);
        }
      }
    }
  }

  /// G: three weights to four.
  static void weightTransform(const Vector *w, int stride, Vector *o, int out) {
    const Vector half = splat(0.5f), ends = half * (w[0] + w[2 * stride]);
    const Vector middle = half * w[stride];
    o[0] = w[0];
    o[out] = ends + middle;
    o[2 * out] = ends - middle;
    o[3 * out] = w[2 * stride];
  }

  /// G w Gᵀ of the kernels of some outputs, which are `step` apart; a vector of outputs for each frequency.
  template <class E> static void transformWeights(const E *kernels, int64_t step, int64_t outputs, Vector *to) {
    alignas(64) float taps[9][lanes] = {};
    for (int64_t n = 0; n < outputs; n++)
      for (int t = 0; t < 9; t++) taps[t][n] = float(kernels[n * step + t]);
    Vector d[9], e[12];
    for (int t = 0; t < 9; t++) d[t] = load(taps[t]);
    for (int j = 0; j < 3; j++) weightTransform(d + j, 3, e + j, 3);
    for (int i = 0; i < 4; i++) weightTransform(e + 3 * i, 1, to + 4 * i, 1);
  }

  /// Packs the kernels of an input channel, in bfloat16 of two, and some outputs; frequencies of `to` are `slab` elements apart.
  template <class E> static void packTaps(const E *kernels, int64_t step, int64_t outputs, E *to, int64_t slab) {
    Vector first[winogradFrequencies];
    transformWeights(kernels, step, outputs, first);
    if constexpr (sizeof(E) == 2) {
      Vector second[winogradFrequencies];
      transformWeights(kernels + 9, step, outputs, second);
      for (int64_t k = 0; k < winogradFrequencies; k++) storePairs(to + k * slab, first[k], second[k], firstLanes(lanes));
    } else {
      for (int64_t k = 0; k < winogradFrequencies; k++) store(to + k * slab, first[k]);
    }
  }
};
