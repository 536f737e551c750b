import Foundation

// Masks: gray images, 255 where an image is redrawn and 0 where it is kept.

extension Image {
  /// The mask that an image shows: white is 255, black 0, and grays go to the nearer one.
  ///
  /// In an image with transparency the transparent part is 255 instead, and colors do not count.
  public func asMask(inverted: Bool = false) -> Image {
    let depth = channels.rawValue
    let count = width * height
    let isTransparent = channels == .rgba && (0..<count).contains { pixels[4 * $0 + 3] < 255 }
    let (on, off): (UInt8, UInt8) = inverted ? (0, 255) : (255, 0)
    let mask = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        for index in 0..<count {
          let place = index * depth
          let value: Int
          if isTransparent {
            value = 255 - Int(source[place + 3])
          } else if channels == .gray {
            value = Int(source[place])
          } else {  // luma of ITU-R BT.601, as Pillow's mode L
            value =
              (299 * Int(source[place]) + 587 * Int(source[place + 1]) + 114 * Int(source[place + 2]) + 500) / 1000
          }
          target[index] = value >= 128 ? on : off
        }
      }
      filled = count
    }
    return Image(width: width, height: height, channels: .gray, pixels: mask)
  }

  /// The smallest rectangle around all pixels of a mask that are not 0; nil if there are none.
  public var maskBounds: PixelRectangle? {
    guard channels == .gray else { fatalError("a mask is gray, not \(channels)") }
    var (left, right, top, bottom) = (width, -1, height, -1)
    pixels.withUnsafeBufferPointer { source in
      for y in 0..<height {
        let row = source[y * width..<(y + 1) * width]
        guard let first = row.firstIndex(where: { $0 > 0 }), let last = row.lastIndex(where: { $0 > 0 }) else {
          continue
        }
        (left, right) = (min(left, first - y * width), max(right, last - y * width))
        (top, bottom) = (min(top, y), y)
      }
    }
    if right < 0 { return nil }
    return PixelRectangle(left: left, top: top, width: right - left + 1, height: bottom - top + 1)
  }

  /// A mask whose edge falls off outwards: 255 where it was 255, and 0 farther than `radius` pixels from there.
  ///
  /// In between it is twice a Gaussian blur of standard deviation `radius` / 2, which is 1 at a straight edge.
  public func feathered(radius: Int) -> Image {
    guard channels == .gray else { fatalError("a mask is gray, not \(channels)") }
    if radius <= 0 { return self }
    let deviation = Double(radius) / 2
    let kernel = (-radius...radius).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
    let sum = kernel.reduce(0, +)
    let weights = kernel.map { Float($0 / sum) }
    let (width, height) = (width, height)
    var rows = [Float](repeating: 0, count: width * height)
    pixels.withUnsafeBufferPointer { source in
      for y in 0..<height {
        for x in 0..<width where source[y * width + x] > 0 {  // masks are mostly 0
          let value = Float(source[y * width + x])
          for to in max(0, x - radius)...min(width - 1, x + radius) {
            rows[y * width + to] += value * weights[to - x + radius]
          }
        }
      }
    }
    var line = [Float](repeating: 0, count: width)
    var result = pixels
    for y in 0..<height {
      for x in 0..<width { line[x] = 0 }
      for from in max(0, y - radius)...min(height - 1, y + radius) {
        let weight = weights[from - y + radius]
        for x in 0..<width { line[x] += weight * rows[from * width + x] }
      }
      for x in 0..<width where result[y * width + x] < 255 {
        result[y * width + x] = UInt8(min(255, 2 * line[x]).rounded())
      }
    }
    return Image(width: width, height: height, channels: .gray, pixels: result)
  }

  /// `drawn` where a mask of the same size is 255, this image where it is 0 (to the byte), and their mixture in between.
  public func blended(with drawn: Image, mask: Image) -> Image {
    guard drawn.width == width, drawn.height == height, drawn.channels == channels, mask.width == width,
      mask.height == height, mask.channels == .gray
    else { fatalError("images that are blended, and their mask, have one size") }
    let depth = channels.rawValue
    var result = self
    for index in 0..<width * height where mask.pixels[index] > 0 {
      let weight = Int(mask.pixels[index])
      for byte in index * depth..<(index + 1) * depth {
        result.pixels[byte] = UInt8((Int(pixels[byte]) * (255 - weight) + Int(drawn.pixels[byte]) * weight + 127) / 255)
      }
    }
    return result
  }

  /// The image with another one put over it at a place within it.
  public func replacing(_ part: PixelRectangle, with patch: Image) -> Image {
    guard patch.width == part.width, patch.height == part.height, patch.channels == channels else {
      fatalError("a patch has the size and channels of what it replaces")
    }
    let depth = channels.rawValue
    var result = self
    for y in 0..<part.height {
      let start = ((part.top + y) * width + part.left) * depth
      let row = y * part.width * depth
      result.pixels.replaceSubrange(
        start..<start + part.width * depth, with: patch.pixels[row..<row + part.width * depth])
    }
    return result
  }
}
