import Foundation

extension Image {
  /// The image at another size, antialiased, with the bytes of Pillow's `Image.resize`.
  ///
  /// Rows are resized first, then columns, in fixed point, rounded to bytes in between. Colors are weighted by alpha,
  /// so that transparent pixels do not bleed.
  public func resized(width newWidth: Int, height newHeight: Int, filter: ResizeFilter) -> Image {
    guard newWidth > 0, newHeight > 0 else { fatalError("an image cannot be resized to \(newWidth)×\(newHeight)") }
    if newWidth == width, newHeight == height { return self }
    var image = channels == .rgba ? premultiplied : self
    if newWidth != width { image = image.linesResized(ResizeWeights(filter, from: width, to: newWidth), newWidth) }
    if newHeight != height {
      image = image.columnsResized(ResizeWeights(filter, from: height, to: newHeight), newHeight)
    }
    return channels == .rgba ? image.unpremultiplied : image
  }

  private func linesResized(_ kernel: ResizeWeights, _ newWidth: Int) -> Image {
    let depth = channels.rawValue
    let resized = [UInt8](unsafeUninitializedCapacity: newWidth * height * depth) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        kernel.weights.withUnsafeBufferPointer { weights in
          for y in 0..<height {
            for x in 0..<newWidth {
              let (first, count, taps) = (kernel.firsts[x] &* depth, kernel.counts[x], x &* kernel.stride)
              let (from, to) = (y &* width &* depth &+ first, (y &* newWidth &+ x) &* depth)
              switch channels {
              case .gray:
                var sum = Self.half
                for tap in 0..<count { sum &+= Int32(source[from &+ tap]) &* weights[taps &+ tap] }
                target[to] = Self.byte(sum)
              case .rgb:
                var (red, green, blue) = (Self.half, Self.half, Self.half)
                var read = from
                for tap in 0..<count {
                  let weight = weights[taps &+ tap]
                  red &+= Int32(source[read]) &* weight
                  green &+= Int32(source[read &+ 1]) &* weight
                  blue &+= Int32(source[read &+ 2]) &* weight
                  read &+= 3
                }
                target[to] = Self.byte(red)
                target[to + 1] = Self.byte(green)
                target[to + 2] = Self.byte(blue)
              case .rgba:
                var sum = SIMD4<Int32>(repeating: Self.half)
                var read = from
                for tap in 0..<count {
                  let pixel = SIMD4<UInt8>(source[read], source[read &+ 1], source[read &+ 2], source[read &+ 3])
                  sum &+= SIMD4<Int32>(truncatingIfNeeded: pixel) &* weights[taps &+ tap]
                  read &+= 4
                }
                for c in 0..<4 { target[to + c] = Self.byte(sum[c]) }
              }
            }
          }
        }
      }
      filled = newWidth * height * depth
    }
    return Image(width: newWidth, height: height, channels: channels, pixels: resized)
  }

  private func columnsResized(_ kernel: ResizeWeights, _ newHeight: Int) -> Image {
    let line = width * channels.rawValue
    var sums = [Int32](repeating: 0, count: line)
    let resized = [UInt8](unsafeUninitializedCapacity: line * newHeight) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        sums.withUnsafeMutableBufferPointer { sums in
          for y in 0..<newHeight {
            for i in 0..<line { sums[i] = Self.half }
            for tap in 0..<kernel.counts[y] {
              let weight = kernel.weights[y * kernel.stride + tap]
              let row = (kernel.firsts[y] + tap) * line
              for i in 0..<line { sums[i] &+= Int32(source[row &+ i]) &* weight }
            }
            for i in 0..<line { target[y &* line &+ i] = Self.byte(sums[i]) }
          }
        }
      }
      filled = line * newHeight
    }
    return Image(width: width, height: newHeight, channels: channels, pixels: resized)
  }

  private static let half: Int32 = 1 << (Int32(ResizeWeights.precision) - 1)

  @inline(__always) private static func byte(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: max(0, min(255, sum >> Int32(ResizeWeights.precision))))
  }

  private var premultiplied: Image {
    mapColors { color, alpha in (color * alpha + 127) / 255 }
  }

  private var unpremultiplied: Image {
    mapColors { color, alpha in alpha == 0 ? color : min(255, 255 * color / alpha) }
  }

  private func mapColors(_ change: (_ color: Int, _ alpha: Int) -> Int) -> Image {
    var copy = self
    copy.pixels.withUnsafeMutableBufferPointer { pixels in
      for index in stride(from: 0, to: pixels.count, by: 4) {
        let alpha = Int(pixels[index + 3])
        for c in index..<index + 3 { pixels[c] = UInt8(change(Int(pixels[c]), alpha)) }
      }
    }
    return copy
  }
}

/// The resampling filters; downsampling widens them, so that every source pixel contributes.
public enum ResizeFilter: String, Sendable, Codable, CaseIterable {
  /// The mean of the source pixels that a pixel covers; the nearest one when upsampling.
  case box
  /// Linear interpolation: a triangle of one pixel on each side.
  case bilinear
  /// Cubic convolution (Keys 1981) with a = −0.5, two pixels on each side.
  case bicubic
  /// A sinc of three lobes: three pixels on each side.
  case lanczos

  /// Half the width, in pixels of the coarser of the two images.
  var support: Double {
    switch self {
    case .box: 0.5
    case .bilinear: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The weight at a distance, which is within the support.
  func weight(_ x: Double) -> Double {
    let d = abs(x)
    switch self {
    case .box: return x > -0.5 && x <= 0.5 ? 1 : 0
    case .bilinear: return max(0, 1 - d)
    case .bicubic:
      let a = -0.5
      if d < 1 { return ((a + 2) * d - (a + 3)) * d * d + 1 }
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0
    case .lanczos: return x >= -3 && x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
    }
  }

  private static func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(.pi * x) / (.pi * x) }
}

/// For every pixel of a resized row, its source pixels and their weights.
struct ResizeWeights {
  static let precision = 22  // fraction bits; of 32, 8 bits remain for the value and 2 for sign and overshoot

  let firsts: [Int]  // first source pixel of each pixel
  let counts: [Int]  // number of source pixels of each pixel
  let weights: [Int32]  // `stride` weights for each pixel, with a sum of about 2^precision
  let stride: Int

  /// Weights for resizing a row from `old` to `new` pixels.
  init(_ filter: ResizeFilter, from old: Int, to new: Int) {
    let scale = Double(old) / Double(new)
    let widening = max(scale, 1)
    let support = filter.support * widening
    stride = 2 * Int(support.rounded(.up)) + 1
    var (firsts, counts) = ([Int](), [Int]())
    var weights = [Int32](repeating: 0, count: new * stride)
    for index in 0..<new {
      let center = (Double(index) + 0.5) * scale
      let first = max(0, Int(center - support + 0.5))
      let last = min(old, Int(center + support + 0.5))
      let exact = (first..<last).map { filter.weight((Double($0) - center + 0.5) / widening) }
      let sum = exact.reduce(0, +)
      for (tap, weight) in exact.enumerated() {
        weights[index * stride + tap] = Int32((weight / sum * Double(1 << Self.precision)).rounded())
      }
      firsts.append(first)
      counts.append(exact.count)
    }
    (self.firsts, self.counts, self.weights) = (firsts, counts, weights)
  }
}
