// Arithmetic of winograd.cpp. It is included once per instruction set, each time in its own namespace.
//
// Vectors have 8 floats. They are never passed by value, since the calling convention depends on the instruction set.
// Pixels are copied into vectors, since they may be unaligned and the compiler assumes aligned vectors.

using V = float __attribute__((vector_size(32), may_alias));

constexpr int64_t lanes = 8;
constexpr int64_t panel = 16;  // columns of a block of the matrix product

inline V &at(float *p) { return *reinterpret_cast<V *>(__builtin_assume_aligned(p, 32)); }
inline const V &at(const float *p) { return *reinterpret_cast<const V *>(__builtin_assume_aligned(p, 32)); }

// --- one-dimensional transforms (Lavin and Gray, 2016, section 4.2) of vectors `stride` apart

/// Bᵀ: six inputs.
inline void inputTransform(const V *d, int stride, V *o, int out) {
  const V d1 = d[stride], d2 = d[2 * stride], d3 = d[3 * stride], d4 = d[4 * stride];
  const V a = d4 - 4 * d2, b = d3 - 4 * d1, c = d4 - d2, e = 2 * (d3 - d1);
  o[0] = 4 * d[0] - 5 * d2 + d4;
  o[out] = a + b;
  o[2 * out] = a - b;
  o[3 * out] = c + e;
  o[4 * out] = c - e;
  o[5 * out] = 4 * d1 - 5 * d3 + d[5 * stride];
}

/// B: the adjoint of Bᵀ.
inline void inputAdjoint(const V *h, int stride, V *o, int out) {
  const V h0 = h[0], h5 = h[5 * stride];
  const V s = h[stride] + h[2 * stride], d = h[stride] - h[2 * stride];
  const V S = h[3 * stride] + h[4 * stride], D = h[3 * stride] - h[4 * stride];
  o[0] = 4 * h0;
  o[out] = 4 * (h5 - d) - 2 * D;
  o[2 * out] = -5 * h0 - 4 * s - S;
  o[3 * out] = d + 2 * D - 5 * h5;
  o[4 * out] = h0 + s + S;
  o[5 * out] = h5;
}

/// Aᵀ: six products to four outputs.
inline void outputTransform(const V *m, int stride, V *o, int out) {
  const V s = m[stride] + m[2 * stride], d = m[stride] - m[2 * stride];
  const V S = m[3 * stride] + m[4 * stride], D = m[3 * stride] - m[4 * stride];
  o[0] = m[0] + s + S;
  o[out] = d + 2 * D;
  o[2 * out] = s + 4 * S;
  o[3 * out] = d + 8 * D + m[5 * stride];
}

/// A: the adjoint of Aᵀ.
inline void outputAdjoint(const V *y, int stride, V *o, int out) {
  const V y0 = y[0], y1 = y[stride], y2 = y[2 * stride], y3 = y[3 * stride];
  const V a = y0 + y2, b = y1 + y3, c = y0 + 4 * y2, e = 2 * y1 + 8 * y3;
  o[0] = y0;
  o[out] = a + b;
  o[2 * out] = a - b;
  o[3 * out] = c + e;
  o[4 * out] = c - e;
  o[5 * out] = y3;
}

/// G: three weights to six.
inline void weightTransform(const V *g, int stride, V *o, int out) {
  const V g0 = g[0], g1 = g[stride], g2 = g[2 * stride];
  const V a = (g0 + g2) * (-1 / 6.0f), b = g1 * (1 / 6.0f);
  const V c = g0 * (1 / 24.0f) + g2 * (1 / 6.0f), e = g1 * (1 / 12.0f);
  o[0] = g0 * 0.25f;
  o[out] = a - b;
  o[2 * out] = a + b;
  o[3 * out] = c + e;
  o[4 * out] = c - e;
  o[5 * out] = g2;
}

/// Gᵀ: the adjoint of G.
inline void weightAdjoint(const V *h, int stride, V *o, int out) {
  const V s = h[stride] + h[2 * stride], d = h[2 * stride] - h[stride];
  const V S = h[3 * stride] + h[4 * stride], D = h[3 * stride] - h[4 * stride];
  o[0] = h[0] * 0.25f - s * (1 / 6.0f) + S * (1 / 24.0f);
  o[out] = d * (1 / 6.0f) + D * (1 / 12.0f);
  o[2 * out] = (S - s) * (1 / 6.0f) + h[5 * stride];
}

// --- tiles: `pixels` are pointers to the channels of a tile's pixels, row by row

/// 6×6 pixels of an image to 36 frequencies, `slab` floats apart.
void inputTile(const float *const *pixels, int64_t channels, float *to, int64_t slab) {
  V d[36], e[36];
  for (int64_t c = 0; c < channels; c += lanes) {
    if (c + lanes <= channels) {
      for (int i = 0; i < 36; i++) std::memcpy(&d[i], pixels[i] + c, sizeof(V));
    } else {
      for (int i = 0; i < 36; i++) d[i] = V{}, std::memcpy(&d[i], pixels[i] + c, (channels - c) * sizeof(float));
    }
    for (int i = 0; i < 6; i++) inputTransform(d + i, 6, e + i, 6);
    for (int i = 0; i < 6; i++) inputTransform(e + 6 * i, 1, d + 6 * i, 1);
    for (int i = 0; i < 36; i++) at(to + i * slab + c) = d[i];
  }
}

/// 4×4 pixels of an output's gradient to 36 frequencies.
void outputAdjointTile(const float *const *pixels, int64_t channels, float *to, int64_t slab) {
  V d[16], e[24], o[36];
  for (int64_t c = 0; c < channels; c += lanes) {
    if (c + lanes <= channels) {
      for (int i = 0; i < 16; i++) std::memcpy(&d[i], pixels[i] + c, sizeof(V));
    } else {
      for (int i = 0; i < 16; i++) d[i] = V{}, std::memcpy(&d[i], pixels[i] + c, (channels - c) * sizeof(float));
    }
    for (int i = 0; i < 4; i++) outputAdjoint(d + i, 4, e + i, 4);
    for (int i = 0; i < 6; i++) outputAdjoint(e + 4 * i, 1, o + 6 * i, 1);
    for (int i = 0; i < 36; i++) at(to + i * slab + c) = o[i];
  }
}

/// 36 frequencies to 4×4 pixels, with a bias.
void outputTile(const float *from, int64_t slab, int64_t channels, const float *bias, float *const *pixels) {
  V d[36], e[24], o[16];
  for (int64_t c = 0; c < channels; c += lanes) {
    V b;
    std::memcpy(&b, bias + c, sizeof(V));
    for (int i = 0; i < 36; i++) d[i] = at(from + i * slab + c);
    for (int i = 0; i < 6; i++) outputTransform(d + i, 6, e + i, 6);
    for (int i = 0; i < 4; i++) outputTransform(e + 6 * i, 1, o + 4 * i, 1);
    for (int i = 0; i < 16; i++) o[i] += b;
    if (c + lanes <= channels) {
      for (int i = 0; i < 16; i++) std::memcpy(pixels[i] + c, &o[i], sizeof(V));
    } else {
      for (int i = 0; i < 16; i++) std::memcpy(pixels[i] + c, &o[i], (channels - c) * sizeof(float));
    }
  }
}

/// 36 frequencies of an input's gradient, added to channels `first..<last` of its 6×6 pixels.
void inputAdjointTile(const float *from, int64_t slab, int64_t first, int64_t last, float *const *pixels) {
  V d[36], e[36];
  for (int64_t c = first; c < last; c += lanes) {
    for (int i = 0; i < 36; i++) d[i] = at(from + i * slab + c);
    for (int i = 0; i < 6; i++) inputAdjoint(d + i, 6, e + i, 6);
    for (int i = 0; i < 6; i++) inputAdjoint(e + 6 * i, 1, d + 6 * i, 1);
    if (c + lanes <= last) {
      for (int i = 0; i < 36; i++) {
        V sum;
        std::memcpy(&sum, pixels[i] + c, sizeof(V));
        sum += d[i];
        std::memcpy(pixels[i] + c, &sum, sizeof(V));
      }
    } else {
      for (int i = 0; i < 36; i++)
        for (int64_t l = 0; l < last - c; l++) pixels[i][c + l] += d[i][l];
    }
  }
}

// --- weights

/// Weights of 16 columns to 36 frequencies of a panel's row, `slab` apart; `weight` is 3×3, columns are `column` apart.
void weightRow(const float *weight, int64_t column, int64_t columns, float *to, int64_t slab) {
  alignas(32) float g[9][panel] = {};
  for (int64_t j = 0; j < columns; j++)
    for (int i = 0; i < 9; i++) g[i][j] = weight[j * column + i];
  for (int half = 0; half < 2; half++) {
    V d[9], e[18], o[36];
    for (int i = 0; i < 9; i++) d[i] = at(&g[i][half * lanes]);
    for (int i = 0; i < 3; i++) weightTransform(d + i, 3, e + i, 3);
    for (int i = 0; i < 6; i++) weightTransform(e + 3 * i, 1, o + 6 * i, 1);
    for (int i = 0; i < 36; i++) at(to + i * slab + half * lanes) = o[i];
  }
}

/// 36 frequencies of the gradient of 8 output channels' weights to their 3×3.
void weightAdjointRow(const float *from, int64_t slab, float *weight, int64_t column, int64_t columns) {
  V d[36], e[18], o[9];
  for (int i = 0; i < 36; i++) d[i] = at(from + i * slab);
  for (int i = 0; i < 6; i++) weightAdjoint(d + i, 6, e + i, 6);
  for (int i = 0; i < 3; i++) weightAdjoint(e + 6 * i, 1, o + 3 * i, 1);
  for (int64_t j = 0; j < columns; j++)
    for (int i = 0; i < 9; i++) weight[j * column + i] = o[i][j];
}

// --- matrix product

#define WINOGRAD_ROWS_4(X) X(0) X(1) X(2) X(3)
#define WINOGRAD_ROWS_6(X) X(0) X(1) X(2) X(3) X(4) X(5)
#define WINOGRAD_START(r) V x##r = {}, y##r = {};
#define WINOGRAD_STEP(r) \
  { const float s = a[r * aRow]; const V v = {s, s, s, s, s, s, s, s}; x##r += v * u; y##r += v * w; }
#define WINOGRAD_ADD(r) x##r += at(c + r * cRow), y##r += at(c + r * cRow + lanes);
#define WINOGRAD_STORE(r) at(c + r * cRow) = x##r, at(c + r * cRow + lanes) = y##r;

#define WINOGRAD_PRODUCT(name, ROWS) \
  inline void name(const float *a, int64_t aRow, int64_t aStep, const float *b, int64_t bStep, float *c, int64_t cRow, \
                   int64_t depth, bool adds) { \
    ROWS(WINOGRAD_START) \
    for (int64_t p = 0; p < depth; p++) { \
      const V u = at(b), w = at(b + lanes); \
      ROWS(WINOGRAD_STEP) \
      a += aStep; \
      b += bStep; \
    } \
    if (adds) { ROWS(WINOGRAD_ADD) } \
    ROWS(WINOGRAD_STORE) \
  }

WINOGRAD_PRODUCT(product4, WINOGRAD_ROWS_4)
WINOGRAD_PRODUCT(product6, WINOGRAD_ROWS_6)

/// c (+)= a · b for an even number of rows, at least 4, and 16 columns.
void product(const float *a, int64_t aRow, int64_t aStep, const float *b, int64_t bStep, float *c, int64_t cRow,
             int64_t rows, int64_t depth, bool adds) {
  while (rows > 0) {
    const int64_t n = rows == 4 || rows == 8 ? 4 : 6;
    if (n == 4) {
      product4(a, aRow, aStep, b, bStep, c, cRow, depth, adds);
    } else {
      product6(a, aRow, aStep, b, bStep, c, cRow, depth, adds);
    }
    a += n * aRow;
    c += n * cRow;
    rows -= n;
  }
}

#undef WINOGRAD_ROWS_4
#undef WINOGRAD_ROWS_6
#undef WINOGRAD_START
#undef WINOGRAD_STEP
#undef WINOGRAD_ADD
#undef WINOGRAD_STORE
#undef WINOGRAD_PRODUCT

constexpr Kernels kernels = {inputTile, outputTile, outputAdjointTile, inputAdjointTile,
                             weightRow, weightAdjointRow, product};
