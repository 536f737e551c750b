import Foundation

/// How fast a device multiplies large matrices: what networks are measured against.
public enum ProductSpeed {
  /// Floating-point operations a second of square products, the best of several runs of a tenth of a second or more.
  public static func measure(on device: Device, _ dtype: DType) -> Double {
    let side = device == .cpu ? 1024 : 8192
    let generator = Generator(seed: 1, device: device)
    let (a, b) = (
      Tensor.randn([side, side], generator: generator).to(dtype),
      Tensor.randn([side, side], generator: generator).to(dtype)
    )
    let operations = 2 * Double(side) * Double(side) * Double(side)
    var (count, best) = (1, 0.0)
    for _ in 0..<8 {
      let seconds = time(count) { _ = a.matmul(b) }
      if seconds < 0.1 { count = max(count + 1, Int(0.15 * Double(count) / max(seconds, 1e-6))) }
      best = max(best, operations * Double(count) / max(seconds, 1e-9))
    }
    return best

    func time(_ count: Int, _ body: () -> Void) -> Double {
      device.synchronize()
      let begun = Date()
      for _ in 0..<count { body() }
      device.synchronize()
      return Date().timeIntervalSince(begun)
    }
  }
}
