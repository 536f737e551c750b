/// Floating-point operations of matrix products, of which networks are made; a multiplication with its addition is two.
///
/// Normalisations, activations and sums are left out, as in PyTorch's `FlopCounterMode`.
enum Work {
  /// A convolution that makes `height × width` positions.
  static func convolution(_ inputs: Int, _ outputs: Int, kernel: Int, _ height: Int, _ width: Int) -> Int {
    2 * inputs * outputs * kernel * kernel * height * width
  }

  /// A matrix of `inputs × outputs` applied to rows.
  static func linear(_ rows: Int, _ inputs: Int, _ outputs: Int) -> Int { 2 * rows * inputs * outputs }

  /// Scores of all heads together, and the sums that they weigh.
  static func attention(queries: Int, keys: Int, width: Int) -> Int { 4 * queries * keys * width }
}
