import Images
import Support

/// Which square of a picture is taken; its side is the picture's shorter one.
public enum Crop: String, Sendable, Codable, CaseIterable {
  case centre
  case random

  /// The square, `size` pixels wide and high, in RGB over white.
  ///
  /// Lanczos both ways: sharp when shrinking, which is nearly always.
  public func square(of image: Image, size: Int, _ random: inout SplitMix64) -> Image {
    let side = min(image.width, image.height)
    func start(_ slack: Int) -> Int { self == .centre ? slack / 2 : random.below(slack + 1) }
    let (left, top) = (start(image.width - side), start(image.height - side))
    return image.cropped(left: left, top: top, width: side, height: side)
      .composited(on: Colour(255, 255, 255))
      .resized(width: size, height: size, filter: .lanczos)
  }
}

/// When exchanging left and right leaves a caption true.
public enum Mirroring {
  /// False where a word begins with "left" or "right": rather too careful than wrong.
  public static func isAllowed(for caption: String) -> Bool {
    !caption.lowercased().split { !$0.isLetter }.contains { $0.hasPrefix("left") || $0.hasPrefix("right") }
  }
}
