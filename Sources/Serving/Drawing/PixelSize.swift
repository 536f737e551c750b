/// Width and height in pixels.
public struct PixelSize: Sendable, Equatable, CustomStringConvertible {
  /// Number of columns.
  public var width: Int
  /// Number of rows.
  public var height: Int

  /// A size.
  public init(width: Int, height: Int) { (self.width, self.height) = (width, height) }

  /// Reads `512x512`.
  public init?(_ text: String) {
    let parts = text.lowercased().split(separator: "x", omittingEmptySubsequences: false)
    guard parts.count == 2, let width = Int(parts[0]), let height = Int(parts[1]), width > 0, height > 0 else {
      return nil
    }
    self.init(width: width, height: height)
  }

  public var description: String { "\(width)x\(height)" }

  /// Number of pixels; the largest number where it would be larger.
  var area: Int {
    let (area, isTooLarge) = width.multipliedReportingOverflow(by: height)
    return isTooLarge ? .max : area
  }
}

/// What happens with sizes that a model does not generate.
public enum SizePolicy: String, Sendable, CaseIterable {
  /// The image is drawn at the nearest size that suits the model and resampled to the size that was asked.
  case fit
  /// Only sizes that the model generates are accepted.
  case strict

  /// The size that a model with images of `own` pixels and cells of `cell` pixels draws for a size that is not larger than
  /// `own`; the size itself where nothing has to be resampled.
  ///
  /// Small images are drawn with their longer side at the model's size: far below it, models draw poorly. With `resizes`
  /// all are, also larger ones.
  static func drawn(_ size: PixelSize, own: Int, cell: Int, resizes: Bool = false) -> PixelSize {
    let isWhole = size.width % cell == 0 && size.height % cell == 0
    if isWhole, !resizes, 2 * size.area >= own * own { return size }
    let longest = max(size.width, size.height)
    func cells(_ side: Int) -> Int { max(1, (side * own + longest * cell - 1) / (longest * cell)) }
    return PixelSize(width: cells(size.width) * cell, height: cells(size.height) * cell)
  }
}
