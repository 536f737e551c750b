// Activations of vectors; compiled by each_processor.h.

/// eˣ to 1e-7 of it, by the polynomial of the Cephes library; 0 below −87.
[[maybe_unused]] inline Vector exponential(Vector x) {
  const Vector least = splat(-87), original = x;
  x = minimum(splat(88), x);  // NaN stays NaN
  const Vector n = toInteger(x * splat(1.44269504f));
  Vector r = fnmadd(n, splat(0.693359375f), x);
  r = fnmadd(n, splat(-2.12194440e-4f), r);
  Vector y = splat(1.9875691500e-4f);
  y = fmadd(y, r, splat(1.3981999507e-3f));
  y = fmadd(y, r, splat(8.3334519073e-3f));
  y = fmadd(y, r, splat(4.1665795894e-2f));
  y = fmadd(y, r, splat(1.6666665459e-1f));
  y = fmadd(y, r, splat(5.0000001201e-1f));
  y = fmadd(y * r, r, r + splat(1));
  return zeroBelow(least, original, timesPowerOf2(y, n));
}

/// x · sigmoid(x).
[[maybe_unused]] inline Vector silu(Vector x) { return x / (splat(1) + exponential(splat(0) - x)); }

/// Its derivative, s · (1 + x · (1 − s)) with s = sigmoid(x).
[[maybe_unused]] inline Vector siluSlope(Vector x) {
  const Vector one = splat(1), s = one / (one + exponential(splat(0) - x));
  return s * fmadd(x, one - s, one);
}

/// x · Φ(x), with erf to 1.5e-7 (Abramowitz and Stegun, 7.1.26); `slope`, if given, gets the derivative, Φ(x) + x · φ(x).
[[maybe_unused]] inline Vector gelu(Vector x, Vector *slope = nullptr) {
  const Vector one = splat(1), z = x * splat(0.70710678f), a = absolute(z);
  const Vector t = one / fmadd(a, splat(0.3275911f), one);
  Vector p = splat(1.061405429f);
  p = fmadd(p, t, splat(-1.453152027f));
  p = fmadd(p, t, splat(1.421413741f));
  p = fmadd(p, t, splat(-0.284496736f));
  p = fmadd(p, t, splat(0.254829592f));
  const Vector square = a * a, e = exponential(splat(0) - square);
  const Vector erf = fnmadd(p * t, e, one);
  const Vector half = x * splat(0.5f), signedErf = withSign(erf, z);
  if (slope) *slope = fmadd(x * splat(0.39894228f), e, fmadd(signedErf, splat(0.5f), splat(0.5f)));
  return fmadd(half, signedErf, half);
}
