import CTurboJPEG

/// JPEG through libjpeg-turbo: gray for one component, RGB for three, RGB from the inks of CMYK and YCCK.
public enum JPEG {
  /// Decodes a JPEG as it is stored, whatever its EXIF orientation; `file` is for messages.
  ///
  /// Truncated files are errors: a model would learn images with a gray half.
  public static func decode(_ bytes: [UInt8], file: String = "the JPEG") throws(ImageError) -> Image {
    func malformed(_ reason: String) -> ImageError { .malformed(file: file, format: "JPEG", reason: reason) }
    let header: JPEGHeader
    switch JPEGHeader.read(bytes) {
    case .success(let found): header = found
    case .failure(let damage): throw malformed(damage.reason)
    }
    let (width, height) = (header.width, header.height)
    try ImageFile.check(width, height, file: file)
    guard width > 0, height > 0 else { throw malformed("its header claims \(width)×\(height) pixels") }
    // Huffman codes take at least one bit per 8×8 pixels. Larger claims would only fill memory.
    guard header.isArithmetic || width * height <= 512 * bytes.count + 4096 else {
      throw malformed("\(bytes.count) bytes cannot hold the \(width)×\(height) pixels that its header claims")
    }
    switch header.components {
    case 1: return try pixels(bytes, header, TJPF_GRAY, .gray, malformed)
    case 3: return try pixels(bytes, header, TJPF_RGB, .rgb, malformed)
    case 4: return light(of: try pixels(bytes, header, TJPF_CMYK, .rgba, malformed))
    default:
      throw .unsupported(
        file: file, format: "JPEG", reason: "it has \(header.components) components; 1, 3 or 4 are read")
    }
  }

  /// The orientation in a JPEG's EXIF.
  public static func orientation(_ bytes: [UInt8]) -> Orientation {
    (try? JPEGHeader.read(bytes).get().orientation) ?? .upright
  }

  private static func pixels(
    _ bytes: [UInt8], _ header: JPEGHeader, _ format: TJPF, _ channels: Image.Channels,
    _ malformed: (String) -> ImageError
  ) throws(ImageError) -> Image {
    var outcome = run(bytes, header, format, channels, stopOnWarning: true)
    if case .failure(let damage) = outcome, isHarmless(damage.reason), hasEnd(bytes, header) {
      outcome = run(bytes, header, format, channels, stopOnWarning: false)
    }
    switch outcome {
    case .success(let image): return image
    case .failure(let damage): throw malformed(damage.reason)
    }
  }

  /// Warnings about unusual but complete files, which other programs accept.
  private static func isHarmless(_ message: String) -> Bool {
    message.contains("extraneous bytes before marker") || message.contains("Unknown Adobe color transform")
      || message.contains("unknown JFIF revision") || message.contains("Invalid SOS parameters")
  }

  /// libjpeg keeps only the first warning, which may hide that the end is missing.
  private static func hasEnd(_ bytes: [UInt8], _ header: JPEGHeader) -> Bool {
    var offset = header.scanStart
    while offset + 1 < bytes.count {
      if bytes[offset] == 0xff, bytes[offset + 1] == 0xd9 { return true }
      offset += 1
    }
    return false
  }

  private static func run(
    _ bytes: [UInt8], _ header: JPEGHeader, _ format: TJPF, _ channels: Image.Channels, stopOnWarning: Bool
  ) -> Result<Image, JPEGHeader.Damage> {
    guard let decoder = tjInitDecompress() else { return .failure(.init("libjpeg-turbo does not start")) }
    defer { tjDestroy(decoder) }
    // A file with thousands of empty scans would take hours.
    let flags = TJFLAG_LIMITSCANS | (stopOnWarning ? TJFLAG_STOPONWARNING : 0)
    let size = header.width * header.height * channels.rawValue
    var status: Int32 = -1
    // Uninitialized, so that a false size uses no memory before the decoder detects it.
    let pixels = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
      status = tjDecompress2(
        decoder, bytes, UInt(bytes.count), buffer.baseAddress, Int32(header.width),
        Int32(header.width * channels.rawValue), Int32(header.height), Int32(format.rawValue), flags)
      let isWhole = status == 0 || (!stopOnWarning && tjGetErrorCode(decoder) == TJERR_WARNING.rawValue)
      if isWhole {
        status = 0
        filled = size
      }
    }
    guard status == 0 else { return .failure(.init(String(cString: tjGetErrorStr2(decoder)))) }
    return .success(Image(width: header.width, height: header.height, channels: channels, pixels: pixels))
  }

  /// RGB from four inks, stored as Adobe does: 255 means no ink.
  private static func light(of inks: Image) -> Image {
    var pixels = [UInt8](repeating: 0, count: 3 * inks.width * inks.height)
    for index in 0..<inks.width * inks.height {
      let black = Int(inks.pixels[4 * index + 3])
      for c in 0..<3 { pixels[3 * index + c] = UInt8((Int(inks.pixels[4 * index + c]) * black + 127) / 255) }
    }
    return Image(width: inks.width, height: inks.height, channels: .rgb, pixels: pixels)
  }
}

extension JPEG {
  /// The bytes of a JPEG file of an RGB image: `quality` 1…100, color at full resolution.
  public static func encode(_ image: Image, quality: Int) throws(ImageError) -> [UInt8] {
    guard image.channels == .rgb, (1...100).contains(quality) else {
      fatalError("expected an RGB image and a quality of 1 to 100, got \(image.channels) and \(quality)")
    }
    guard let encoder = tjInitCompress() else {
      throw .encoding(format: "JPEG", reason: "libjpeg-turbo does not start")
    }
    defer { tjDestroy(encoder) }
    var buffer: UnsafeMutablePointer<UInt8>?
    var size: UInt = 0
    defer { tjFree(buffer) }
    let status = tjCompress2(
      encoder, image.pixels, Int32(image.width), 0, Int32(image.height), Int32(TJPF_RGB.rawValue), &buffer, &size,
      Int32(TJSAMP_444.rawValue), Int32(quality), 0)
    guard status == 0, let buffer else {
      throw .encoding(format: "JPEG", reason: String(cString: tjGetErrorStr2(encoder)))
    }
    return Array(UnsafeBufferPointer(start: buffer, count: Int(size)))
  }
}

/// The contents of the markers before the pixels of a JPEG (ITU-T T.81, annex B).
struct JPEGHeader {
  let width: Int
  let height: Int
  let components: Int
  let isArithmetic: Bool  // arithmetic coding, which has no minimum size
  let orientation: Orientation
  let scanStart: Int  // where the first scan begins

  /// Reads the markers up to the first scan; fails with a reason if they are damaged.
  static func read(_ bytes: [UInt8]) -> Result<JPEGHeader, Damage> {
    var frame: (width: Int, height: Int, components: Int, isArithmetic: Bool)?
    var orientation = Orientation.upright
    var offset = 2  // after the start marker
    while true {
      while offset < bytes.count, bytes[offset] != 0xff { offset += 1 }  // stray bytes, which decoders also skip
      while offset < bytes.count, bytes[offset] == 0xff { offset += 1 }  // fill bytes
      guard offset < bytes.count else { return .failure(Damage("it ends before its pixels: the file is truncated")) }
      let marker = bytes[offset]
      offset += 1
      if marker == 0 || marker == 1 || (0xd0...0xd8).contains(marker) { continue }  // they have no length
      guard marker != 0xd9 else { return .failure(Damage("it ends without pixels")) }
      guard offset + 2 <= bytes.count else {
        return .failure(Damage("it ends before its pixels: the file is truncated"))
      }
      let length = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
      guard length >= 2, offset + length <= bytes.count else {
        return .failure(Damage("a segment of \(length) bytes does not fit: the file is truncated or damaged"))
      }
      let body = bytes[offset + 2..<offset + length]
      switch marker {
      case 0xc0...0xc3, 0xc5...0xc7, 0xc9...0xcb, 0xcd...0xcf:
        guard body.count >= 6 else { return .failure(Damage("its frame header has \(body.count) bytes")) }
        let b = Array(body.prefix(6))  // precision, height, width, components
        frame = (Int(b[3]) << 8 | Int(b[4]), Int(b[1]) << 8 | Int(b[2]), Int(b[5]), marker > 0xc8)
      case 0xe1 where body.starts(with: "Exif".utf8): orientation = EXIF.orientation(body)
      case 0xda:
        guard let frame else { return .failure(Damage("it has pixels before their size")) }
        return .success(
          JPEGHeader(
            width: frame.width, height: frame.height, components: frame.components, isArithmetic: frame.isArithmetic,
            orientation: orientation, scanStart: offset + length))
      default: break
      }
      offset += length
    }
  }

  /// The reason why a file is invalid.
  struct Damage: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
  }
}
