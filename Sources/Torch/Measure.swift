import Foundation

/// Throughput of large matrix products on a device, the reference for that of networks.
public enum MatmulThroughput {
  /// Floating-point operations per second of square products: the median of seven runs of about a tenth of a second.
  public static func measure(on device: Device, _ dtype: DType) -> Double {
    let side = device == .cpu ? 1024 : 8192
    let generator = Generator(seed: 1, device: device)
    let (a, b) = (
      Tensor.randn([side, side], generator: generator).to(dtype),
      Tensor.randn([side, side], generator: generator).to(dtype)
    )
    let operations = 2 * Double(side) * Double(side) * Double(side)
    _ = time(2) { _ = a.matmul(b) }  // warm-up
    let count = max(1, Int(0.1 / max(time(1) { _ = a.matmul(b) }, 1e-6)))
    let speeds = (0..<7).map { _ in operations * Double(count) / max(time(count) { _ = a.matmul(b) }, 1e-9) }
    return speeds.sorted()[3]

    func time(_ count: Int, _ body: () -> Void) -> Double {
      device.synchronize()
      let watch = Stopwatch()
      for _ in 0..<count { body() }
      device.synchronize()
      return watch.seconds
    }
  }
}

/// The peak memory of this process.
public enum PeakMemory {
  /// Peak bytes on a device: the CUDA allocator's peak, or the peak resident memory of the process.
  public static func bytes(of device: Device) -> Int {
    if case .cuda = device { return device.peakBytes }
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
    return (line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) * 1024
  }
}

/// Seconds since its creation, by a monotonic clock.
public struct Stopwatch {
  private let begun = ContinuousClock.now

  /// Starts the stopwatch.
  public init() {}

  /// Seconds since the stopwatch was created.
  public var seconds: Double {
    let (whole, parts) = begun.duration(to: .now).components
    return Double(whole) + Double(parts) * 1e-18
  }
}
