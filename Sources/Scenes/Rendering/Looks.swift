import Images

/// Looks of whole images, in whole numbers: the same bytes everywhere.
extension Image {
  /// A color that shades of gray are laid through.
  public enum Tone: Sendable {
    /// Neutral shades from black to white, or brown ones from dark brown to cream.
    case gray, sepia
  }

  /// Shades of one tone by brightness, with the weights of Rec 601.
  public func toned(_ tone: Tone) -> Image {
    var result = self
    result.pixels.withUnsafeMutableBufferPointer { bytes in
      for at in stride(from: 0, to: bytes.count, by: 3) {
        let gray = (77 * Int(bytes[at]) + 150 * Int(bytes[at + 1]) + 29 * Int(bytes[at + 2]) + 128) >> 8
        switch tone {
        case .gray: (bytes[at], bytes[at + 1], bytes[at + 2]) = (UInt8(gray), UInt8(gray), UInt8(gray))
        case .sepia:
          // From dark brown (38, 22, 8) to cream (255, 240, 208).
          bytes[at] = UInt8(38 + (gray * 217 + 127) / 255)
          bytes[at + 1] = UInt8(22 + (gray * 218 + 127) / 255)
          bytes[at + 2] = UInt8(8 + (gray * 200 + 127) / 255)
        }
      }
    }
    return result
  }

  /// Every channel in `levels` even steps.
  public func posterized(levels: Int) -> Image {
    let steps = levels - 1
    let table = (0..<256).map { UInt8(($0 * steps + 127) / 255 * 255 / steps) }
    var result = self
    for index in result.pixels.indices { result.pixels[index] = table[Int(pixels[index])] }
    return result
  }

  /// A square RGB image made larger without smoothing: each pixel becomes a block.
  public func enlarged(to size: Int) -> Image {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(3 * size * size)
    var row: [UInt8] = []
    var last = -1
    for y in 0..<size {
      let source = y * height / size
      if source != last {
        row.removeAll(keepingCapacity: true)
        for x in 0..<size {
          let at = 3 * (source * width + x * width / size)
          row += pixels[at..<at + 3]
        }
        last = source
      }
      bytes += row
    }
    return Image(width: size, height: size, channels: .rgb, pixels: bytes)
  }

  /// White lines where colors change, on blue paper with a grid of sixteen fields a side.
  public func asBlueprint() -> Image {
    let (paper, line, ink) = ((22, 72, 150), (46, 98, 176), (234, 242, 255))
    func mixed(_ a: Int, _ b: Int, _ weight: Int) -> UInt8 { UInt8(a + (b - a) * weight / 255) }
    let field = max(4, width / 16)
    let thickness = max(1, width / 512)
    var result = self
    for y in 0..<height {
      for x in 0..<width {
        let at = 3 * (y * width + x)
        let (left, right) = (x > 0 ? at - 3 : at, x + 1 < width ? at + 3 : at)
        let (above, below) = (y > 0 ? at - 3 * width : at, y + 1 < height ? at + 3 * width : at)
        var change = 0
        for channel in 0..<3 {
          change += abs(Int(pixels[right + channel]) - Int(pixels[left + channel]))
          change += abs(Int(pixels[below + channel]) - Int(pixels[above + channel]))
        }
        let weight = max(0, min(255, (change - 24) * 2))
        let base = x % field < thickness || y % field < thickness ? line : paper
        result.pixels[at] = mixed(base.0, ink.0, weight)
        result.pixels[at + 1] = mixed(base.1, ink.1, weight)
        result.pixels[at + 2] = mixed(base.2, ink.2, weight)
      }
    }
    return result
  }
}

extension Image {
  /// An RGB image drawn row by row in float (red, green, blue and an unused fourth, 0…255), each pixel rounded once.
  ///
  /// One row of floats stays in the processor's cache, where a whole image would not.
  public init(
    width: Int, height: Int, drawing: (_ row: Int, _ pixels: UnsafeMutableBufferPointer<SIMD4<Float>>) -> Void
  ) {
    let row = UnsafeMutableBufferPointer<SIMD4<Float>>.allocate(capacity: width)
    row.initialize(repeating: .zero)
    defer { row.deallocate() }
    // A pixel is stored as four bytes, the last of which the next pixel overwrites; the image's last one needs room.
    let count = 3 * width * height
    let bytes = [UInt8](unsafeUninitializedCapacity: count + 1) { buffer, filled in
      let target = UnsafeMutableRawPointer(buffer.baseAddress!)
      for y in 0..<height {
        drawing(y, row)
        let start = target + 3 * width * y
        var (last, packed) = (row[0], row[0].rounded8)
        for x in 0..<width {
          if row[x] != last { (last, packed) = (row[x], row[x].rounded8) }  // much is of one color
          start.storeBytes(of: packed, toByteOffset: 3 * x, as: UInt32.self)
        }
      }
      filled = count
    }
    self.init(width: width, height: height, channels: .rgb, pixels: bytes)
  }
}

extension SIMD4<Float> {
  /// Lays a premultiplied color (0…255) over this opaque one.
  @inline(__always)
  public mutating func blend(_ color: SIMD4<Float>) { self = color + self * (1 - color.w / 255) }

  /// Every lane rounded to the nearest byte, halves up, as four bytes in order.
  ///
  /// Adding 2²³ leaves a float the place for whole numbers only, so that the sum's lowest bits are the rounded value;
  /// it rounds halves to even, which is mended. `rounded()` is a call of the C library on processors from before 2008,
  /// for which Swift compiles.
  @inline(__always)
  var rounded8: UInt32 {
    let whole: Float = 0x1p23
    // `clamped` compares lane by lane.
    let (least, most) = (SIMD4<Float>.zero, SIMD4<Float>(repeating: 255))
    let value = replacing(with: least, where: self .< least).replacing(with: most, where: self .> most)
    var sum = value + whole
    let rest = value - (sum - whole)
    sum.replace(with: sum + 1, where: rest .== 0.5)
    return unsafeBitCast(
      SIMD4<UInt8>(truncatingIfNeeded: unsafeBitCast(sum, to: SIMD4<UInt32>.self)), to: UInt32.self
    )
  }
}
