/// How an image gets other proportions.
public enum ImageFit: String, Sendable, Codable, CaseIterable {
  /// The image fills the new size; what lies beyond it on two sides is cropped.
  case cover
  /// The whole image is inside the new size; its edge pixels are repeated on two sides.
  case contain
  /// Width and height are resized independently.
  case stretch
}

/// A rectangle of whole pixels.
public struct PixelRectangle: Sendable, Equatable, Codable {
  /// First column.
  public var left: Int
  /// First row.
  public var top: Int
  /// Number of columns.
  public var width: Int
  /// Number of rows.
  public var height: Int

  /// A rectangle of the given values, which are not checked.
  public init(left: Int, top: Int, width: Int, height: Int) {
    self.left = left
    self.top = top
    self.width = width
    self.height = height
  }
}

/// Pixels that are added on the four sides of an image.
public struct Margins: Sendable, Equatable, Codable, CustomStringConvertible {
  /// Columns on the left.
  public var left: Int
  /// Rows above.
  public var top: Int
  /// Columns on the right.
  public var right: Int
  /// Rows below.
  public var bottom: Int

  /// Margins of the given pixels, 0 or more; they are not checked.
  public init(left: Int = 0, top: Int = 0, right: Int = 0, bottom: Int = 0) {
    self.left = left
    self.top = top
    self.right = right
    self.bottom = bottom
  }

  /// Whether nothing is added on any side.
  public var isEmpty: Bool { self == Margins() }

  /// The sides with pixels: `left=128 top=64`; empty without one.
  public var description: String {
    [("left", left), ("top", top), ("right", right), ("bottom", bottom)].filter { $0.1 > 0 }
      .map { "\($0.0)=\($0.1)" }.joined(separator: " ")
  }
}

extension Image {
  /// The image at another size, resized with a filter and centered.
  ///
  /// - Parameters:
  ///   - width: the new width, in pixels.
  ///   - height: the new height, in pixels.
  ///   - fit: what happens where the proportions differ.
  ///   - filter: the filter for resizing.
  ///   - margin: the value of the bytes that `contain` adds; nil repeats the edge pixels.
  public func fitted(
    width newWidth: Int, height newHeight: Int, _ fit: ImageFit, filter: ResizeFilter = .lanczos, margin: UInt8? = nil
  ) -> Image {
    guard newWidth > 0, newHeight > 0 else { fatalError("an image cannot be fitted to \(newWidth)×\(newHeight)") }
    /// `side` in the proportion `a` to `b`, at least 1 and at most `limit`.
    func proportional(_ side: Int, _ a: Int, _ b: Int, limit: Int) -> Int {
      min(limit, max(1, Int((Double(side) * Double(a) / Double(b)).rounded())))
    }
    switch fit {
    case .stretch:
      return resized(width: newWidth, height: newHeight, filter: filter)
    case .cover:  // cropped first: a strip would be enormous at the new height
      let part = (
        width: proportional(height, newWidth, newHeight, limit: width),
        height: proportional(width, newHeight, newWidth, limit: height)
      )
      return cropped(
        left: (width - part.width) / 2, top: (height - part.height) / 2, width: part.width, height: part.height
      ).resized(width: newWidth, height: newHeight, filter: filter)
    case .contain:
      let whole = (
        width: proportional(newHeight, width, height, limit: newWidth),
        height: proportional(newWidth, height, width, limit: newHeight)
      )
      let (left, top) = ((newWidth - whole.width) / 2, (newHeight - whole.height) / 2)
      return resized(width: whole.width, height: whole.height, filter: filter).extended(
        by: Margins(
          left: left, top: top, right: newWidth - whole.width - left, bottom: newHeight - whole.height - top),
        margin: margin)
    }
  }

  /// The image with margins of repeated edge pixels, or of bytes of the value `margin`.
  public func extended(by margins: Margins, margin: UInt8? = nil) -> Image {
    if margins.isEmpty { return self }
    let (newWidth, newHeight) = (margins.left + width + margins.right, margins.top + height + margins.bottom)
    let depth = channels.rawValue
    let empty = margin.map { [UInt8](repeating: $0, count: newWidth * depth) }
    let pixel = margin.map { [UInt8](repeating: $0, count: depth)[...] }
    var result: [UInt8] = []
    result.reserveCapacity(newWidth * newHeight * depth)
    for y in 0..<newHeight {
      if let empty, y < margins.top || y >= margins.top + height {
        result += empty
        continue
      }
      let row = min(max(y - margins.top, 0), height - 1) * width * depth
      let (first, last) = (pixels[row..<row + depth], pixels[row + (width - 1) * depth..<row + width * depth])
      for _ in 0..<margins.left { result += pixel ?? first }
      result += pixels[row..<row + width * depth]
      for _ in 0..<margins.right { result += pixel ?? last }
    }
    return Image(width: newWidth, height: newHeight, channels: channels, pixels: result)
  }
}
