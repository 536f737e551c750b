import Torch

/// A linear map from latents of Stable Diffusion to colors: the image roughly, one pixel for each cell, without the decoder.
///
/// The decoder takes the time of a step or two, and its weights need not be in memory while the U-Net computes.
enum LatentProjection {
  /// The part of every channel of the scaled latents in red, green and blue in −1…1, and what is added.
  ///
  /// The figures that ComfyUI (`latent_rgb_factors`) and stable-diffusion.cpp preview with, fitted to decoded images.
  private struct Figures {
    let rows: [[Float]]
    let bias: [Float]

    static let sd = Figures(
      rows: [
        [0.3512, 0.3250, -0.2829, -0.2120], [0.2297, 0.4974, 0.1762, -0.2616], [0.3227, 0.2350, 0.2721, -0.7177],
      ],
      bias: [0, 0, 0])
    static let xl = Figures(
      rows: [
        [0.3651, -0.2533, 0.1076, -0.3165], [0.4232, -0.0042, 0.1111, -0.2492], [0.4341, 0.1068, -0.0362, -0.2188],
      ],
      bias: [0.1084, -0.0175, -0.0011])
  }

  /// The pixels `[B, 3, h, w]` in about −1…1 of scaled latents `[B, 4, h, w]`.
  static func pixels(of latents: Tensor, isXL: Bool) -> Tensor {
    let figures = isXL ? Figures.xl : .sd
    let (B, C, h, w) = latents.shape4
    let weights = Tensor(figures.rows.flatMap { $0 }, shape: [3, 4]).to(latents.device)
    let bias = Tensor(figures.bias, shape: [1, 3, 1]).to(latents.device)
    return (weights.matmul(latents.to(.float32).reshaped([B, C, h * w])) + bias).reshaped([B, 3, h, w])
  }
}
