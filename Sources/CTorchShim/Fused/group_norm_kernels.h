// What group normalization computes with vectors; compiled by each_processor.h.

struct Kernels {
  /// Sums and sums of squares over the pixels, of up to 64 channels. Values count from the first pixel's, since squares of
  /// large numbers would lose what is to be normalized.
  template <class E> static void sumChannels(const E *image, int64_t pixels, int64_t C, int64_t first, float *sums, float *squares) {
    for (int64_t c = first; c < std::min(first + block, C); c += lanes) {
      const Mask mask = firstLanes(C - c);
      const Vector origin = load(image + c, mask);
      Vector s[4], q[4];
      for (int k = 0; k < 4; k++) s[k] = q[k] = splat(0);
      const auto add = [&](int64_t pixel, int k) {
        const Vector v = load(image + pixel * C + c, mask) - origin;
        s[k] = s[k] + v;
        q[k] = fmadd(v, v, q[k]);
      };
      int64_t i = 0;
      for (; i + 4 <= pixels; i += 4)
        for (int k = 0; k < 4; k++) add(i + k, k);
      for (; i < pixels; i++) add(i, 0);
      store(sums + c, (s[0] + s[1]) + (s[2] + s[3]), mask);
      store(squares + c, (q[0] + q[1]) + (q[2] + q[3]), mask);
    }
  }

  /// (x − center) · scale + offset of each channel, then the activation.
  template <class E>
  static void scaleChannels(const E *from, E *to, int64_t pixels, int64_t C, const Table &t, bool activates) {
    for (int64_t i = 0; i < pixels; i++)
      for (int64_t c = 0; c < C; c += lanes) {
        const Mask mask = firstLanes(C - c);
        const Vector distance = load(from + i * C + c, mask) - load(t.center + c, mask);
        const Vector v = fmadd(distance, load(t.scale + c, mask), load(t.offset + c, mask));
        store(to + i * C + c, activates ? silu(v) : v, mask);
      }
  }

  /// Of up to 64 channels, sums over the pixels of: the gradient before the activation, its product with the normalized value,
  /// and the normalized value; C floats each.
  template <class E>
  static void sumGradients(const E *image, const E *gradient, int64_t pixels, int64_t C, int64_t first, const Table &t,
                           bool activates, float *sums) {
    for (int64_t c = first; c < std::min(first + block, C); c += lanes) {
      const Mask mask = firstLanes(C - c);
      const Vector scale = load(t.scale + c, mask), offset = load(t.offset + c, mask), center = load(t.center + c, mask);
      const Vector factor = load(t.factor + c, mask);
      Vector s = splat(0), p = splat(0), n = splat(0);
      for (int64_t i = 0; i < pixels; i++) {
        const Vector distance = load(image + i * C + c, mask) - center, normalized = distance * factor;
        Vector g = load(gradient + i * C + c, mask);
        if (activates) g = g * siluSlope(fmadd(distance, scale, offset));
        s = s + g;
        p = fmadd(g, normalized, p);
        n = n + normalized;
      }
      store(sums + c, s, mask);
      store(sums + C + c, p, mask);
      store(sums + 2 * C + c, n, mask);
    }
  }

  /// The gradient of the pixels: scale · gradient − mean − slope · (x − center); `terms` has mean and slope, C floats each.
  template <class E>
  static void inputGradients(const E *image, const E *gradient, int64_t pixels, int64_t C, const Table &t, bool activates,
                             const float *terms, E *to) {
    for (int64_t i = 0; i < pixels; i++)
      for (int64_t c = 0; c < C; c += lanes) {
        const Mask mask = firstLanes(C - c);
        const Vector scale = load(t.scale + c, mask);
        const Vector distance = load(image + i * C + c, mask) - load(t.center + c, mask);
        Vector g = load(gradient + i * C + c, mask);
        if (activates) g = g * siluSlope(fmadd(distance, scale, load(t.offset + c, mask)));
        const Vector rest = fmadd(load(terms + C + c, mask), distance, load(terms + c, mask));
        store(to + i * C + c, fmadd(scale, g, splat(0) - rest), mask);
      }
  }
};
