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

  /// (x − center) · scale + offset of each channel, then the activation; `table` has the three, C floats each.
  template <class E>
  static void scaleChannels(const E *from, E *to, int64_t pixels, int64_t C, const float *table, bool activates) {
    const float *const scale = table, *const offset = table + C, *const center = table + 2 * C;
    for (int64_t i = 0; i < pixels; i++)
      for (int64_t c = 0; c < C; c += lanes) {
        const Mask mask = firstLanes(C - c);
        const Vector distance = load(from + i * C + c, mask) - load(center + c, mask);
        const Vector v = fmadd(distance, load(scale + c, mask), load(offset + c, mask));
        store(to + i * C + c, activates ? silu(v) : v, mask);
      }
  }
};
