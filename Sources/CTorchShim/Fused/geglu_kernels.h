// GEGLU and its gradients with vectors; compiled by each_processor.h.

struct Kernels {
  /// a · gelu(b) of a row with the halves a and b.
  template <class E> static void gate(const E *row, int64_t inner, E *to) {
    for (int64_t c = 0; c < inner; c += lanes) {
      const Mask mask = firstLanes(inner - c);
      store(to + c, load(row + c, mask) * gelu(load(row + inner + c, mask)), mask);
    }
  }

  /// The gradients of both halves from that of the result.
  template <class E> static void gateGradients(const E *row, const E *gradient, int64_t inner, E *to) {
    for (int64_t c = 0; c < inner; c += lanes) {
      const Mask mask = firstLanes(inner - c);
      const Vector g = load(gradient + c, mask);
      Vector slope;
      const Vector gated = gelu(load(row + inner + c, mask), &slope);
      store(to + c, g * gated, mask);
      store(to + inner + c, g * load(row + c, mask) * slope, mask);
    }
  }
};
