import Images
import Torch

/// Conversion between tensors and images.
public enum TensorImage {
  /// `[B, 3, H, W]` in −1…1 (clamped) to 8-bit RGB images.
  public static func images(_ pixels: Tensor) -> [Image] {
    let (B, C, H, W) = pixels.shape4
    guard C == 3 else { fatalError("images have 3 channels, got \(C)") }
    let bytes = ((pixels.to(.float32).clamped(to: -1...1) + 1) * 127.5).rounded().permuted([0, 2, 3, 1]).to(
      .uint8)
    return (0..<B).map { index in
      Image(width: W, height: H, channels: .rgb, pixels: bytes[index].elements())
    }
  }

  /// RGB images of one size to `[B, 3, H, W]` in −1…1, in channels-last layout.
  public static func tensor(_ images: [Image]) -> Tensor { bytes(images).to(.float32) / 127.5 - 1 }

  /// RGB images of one size to `[B, 3, H, W]` uint8, in channels-last layout.
  public static func bytes(_ images: [Image]) -> Tensor {
    guard let first = images.first else { fatalError("there is no image") }
    for image in images where image.channels != .rgb || image.width != first.width || image.height != first.height {
      fatalError("images of one batch are RGB and of one size")
    }
    return Tensor(images.flatMap(\.pixels), shape: [images.count, first.height, first.width, 3])
      .permuted([0, 3, 1, 2])
  }
}
