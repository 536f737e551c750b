import Images

extension Image {
  /// An RGB picture drawn row by row in float (red, green, blue and an unused fourth, 0…255), each pixel rounded once.
  ///
  /// One row of floats stays in the processor's cache, where a whole picture would not.
  public init(
    width: Int, height: Int, drawing: (_ row: Int, _ pixels: UnsafeMutableBufferPointer<SIMD4<Float>>) -> Void
  ) {
    let row = UnsafeMutableBufferPointer<SIMD4<Float>>.allocate(capacity: width)
    row.initialize(repeating: .zero)
    defer { row.deallocate() }
    // A pixel is stored as four bytes, the last of which the next pixel overwrites; the picture's last one needs room.
    let count = 3 * width * height
    let bytes = [UInt8](unsafeUninitializedCapacity: count + 1) { buffer, filled in
      let target = UnsafeMutableRawPointer(buffer.baseAddress!)
      for y in 0..<height {
        drawing(y, row)
        let start = target + 3 * width * y
        var (last, packed) = (row[0], row[0].rounded8)
        for x in 0..<width {
          if row[x] != last { (last, packed) = (row[x], row[x].rounded8) }  // much is of one colour
          start.storeBytes(of: packed, toByteOffset: 3 * x, as: UInt32.self)
        }
      }
      filled = count
    }
    self.init(width: width, height: height, channels: .rgb, pixels: bytes)
  }
}

extension SIMD4<Float> {
  /// Lays a premultiplied colour (0…255) over this opaque one.
  @inline(__always)
  public mutating func blend(_ colour: SIMD4<Float>) { self = colour + self * (1 - colour.w / 255) }

  /// Every lane rounded to the nearest byte, halves up, as four bytes in order.
  ///
  /// Adding 2²³ leaves a float the place for whole numbers only, so that the sum's lowest bits are the rounded value;
  /// it rounds halves to even, which is mended. `rounded()` is a call of the C library on processors from before 2008,
  /// for which Swift compiles.
  @inline(__always)
  var rounded8: UInt32 {
    let whole: Float = 0x1p23
    let value = clamped(lowerBound: SIMD4(repeating: 0), upperBound: SIMD4(repeating: 255))
    var sum = value + whole
    let rest = value - (sum - whole)
    sum.replace(with: sum + 1, where: rest .== 0.5)
    return unsafeBitCast(
      SIMD4<UInt8>(truncatingIfNeeded: unsafeBitCast(sum, to: SIMD4<UInt32>.self)), to: UInt32.self
    )
  }
}
