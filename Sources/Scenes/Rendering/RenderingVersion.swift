/// Which renderer draws scenes: their facts and captions are the same, pixels differ.
///
/// Data and models name the version they belong to, so that both stay reproducible byte for byte.
public enum RenderingVersion: Int, Sendable, Codable, CaseIterable {
  /// Emoji are bitmaps of 136×128 pixels and shapes masks of 256×256; what is drawn larger is soft.
  case v1 = 1
  /// Whatever is drawn larger than its bitmap is sharp; what is drawn no larger is as in version 1, but for shapes,
  /// whose masks are twice as fine.
  case v2 = 2

  /// What new data are drawn with.
  public static let latest = RenderingVersion.v2

  /// In words, for what names data; empty for version 1, whose data had their names before there was another.
  public var name: String { self == .v1 ? "" : ", rendering \(rawValue)" }
}
