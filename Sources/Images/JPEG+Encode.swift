import CTurboJPEG

extension JPEG {
  /// The bytes of a JPEG file of an RGB picture: `quality` 1…100, colour at full resolution.
  public static func encode(_ image: Image, quality: Int) throws(RasterError) -> [UInt8] {
    guard image.channels == .rgb, (1...100).contains(quality) else {
      fatalError("expected an RGB picture and a quality of 1 to 100, got \(image.channels) and \(quality)")
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
