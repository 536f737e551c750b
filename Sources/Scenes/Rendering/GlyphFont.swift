import CFreeType
import Foundation

/// A font of color bitmaps, such as Noto Color Emoji, read through FreeType.
public final class GlyphFont {
  /// Why a font or one of its glyphs cannot be used.
  public enum Failure: Error, CustomStringConvertible, Sendable {
    /// Noto Color Emoji is in none of the folders that were searched.
    case noFont(searched: [String])
    /// The file at this path is missing or is not a font with color bitmaps.
    case unreadable(String)
    /// The font at this path has no color bitmap for a code point.
    case noGlyph(String, Unicode.Scalar)

    public var description: String {
      switch self {
      case .noFont(let searched):
        "Noto Color Emoji was not found under \(searched.joined(separator: ", ")): install it with "
          + "\"apt-get install fonts-noto-color-emoji\" or set FLUX_EMOJI_FONT to the path of NotoColorEmoji.ttf"
      case .unreadable(let path): "\(path) is not a font with color bitmaps"
      case .noGlyph(let path, let scalar):
        "\(path) has no color bitmap for U+\(String(scalar.value, radix: 16))"
      }
    }
  }

  private let library: FT_Library
  private let face: FT_Face
  private let path: String

  /// Opens a font and selects its bitmaps.
  public init(_ url: URL) throws(Failure) {
    path = url.path
    var library: FT_Library?
    var face: FT_Face?
    guard FT_Init_FreeType(&library) == 0, let library else { throw .unreadable(path) }
    guard FT_New_Face(library, path, 0, &face) == 0, let face, face.pointee.num_fixed_sizes > 0,
      FT_Select_Size(face, 0) == 0
    else {
      FT_Done_FreeType(library)
      throw .unreadable(path)
    }
    self.library = library
    self.face = face
  }

  deinit {
    FT_Done_Face(face)
    FT_Done_FreeType(library)
  }

  /// Noto Color Emoji where systems keep it, or where `FLUX_EMOJI_FONT` says.
  public static func notoColorEmoji() throws(Failure) -> GlyphFont {
    if let path = ProcessInfo.processInfo.environment["FLUX_EMOJI_FONT"], !path.isEmpty {
      return try GlyphFont(URL(fileURLWithPath: path))
    }
    let folders = ["/usr/share/fonts", "/usr/local/share/fonts", NSHomeDirectory() + "/.fonts"]
    for folder in folders {
      guard let names = FileManager.default.enumerator(atPath: folder) else { continue }
      for case let name as String in names where name.hasSuffix("NotoColorEmoji.ttf") {
        return try GlyphFont(URL(fileURLWithPath: "\(folder)/\(name)"))
      }
    }
    throw .noFont(searched: folders)
  }

  /// The bitmap of one code point.
  public func sprite(_ scalar: Unicode.Scalar) throws(Failure) -> Sprite {
    let colorBitmaps: Int32 = 1 << 20  // FT_LOAD_COLOR, a macro that Swift does not see
    let glyph = FT_Get_Char_Index(face, FT_ULong(scalar.value))
    guard glyph != 0, FT_Load_Glyph(face, glyph, colorBitmaps) == 0 else { throw .noGlyph(path, scalar) }
    let bitmap = face.pointee.glyph.pointee.bitmap
    guard bitmap.pixel_mode == UInt8(FT_PIXEL_MODE_BGRA.rawValue), let buffer = bitmap.buffer else {
      throw .noGlyph(path, scalar)
    }
    let (width, height) = (Int(bitmap.width), Int(bitmap.rows))
    var pixels: [SIMD4<Float>] = []
    pixels.reserveCapacity(width * height)
    for y in 0..<height {
      let row = buffer + y * Int(bitmap.pitch)
      for x in 0..<width {
        let p = row + 4 * x  // blue, green, red, alpha, premultiplied
        pixels.append(SIMD4(Float(p[2]), Float(p[1]), Float(p[0]), Float(p[3])))
      }
    }
    return Sprite(width: width, height: height, premultiplied: pixels)
  }
}
