import Foundation

/// How fast a device multiplies large matrices: what networks are measured against.
public enum MatmulThroughput {
  /// Floating-point operations a second of square products, the median of seven runs of a tenth of a second or so.
  public static func measure(on device: Device, _ dtype: DType) -> Double {
    let side = device == .cpu ? 1024 : 8192
    let generator = Generator(seed: 1, device: device)
    let (a, b) = (
      Tensor.randn([side, side], generator: generator).to(dtype),
      Tensor.randn([side, side], generator: generator).to(dtype)
    )
    let operations = 2 * Double(side) * Double(side) * Double(side)
    _ = time(2) { _ = a.matmul(b) }  // the first ones prepare
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

/// The most memory that this process has had at once.
public enum PeakMemory {
  /// Bytes where the tensors of a device live: the CUDA allocator's peak, or the process's resident memory.
  public static func bytes(of device: Device) -> Int {
    if case .cuda = device { return device.peakBytes }
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
    return (line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) * 1024
  }
}

/// Seconds since it was made, by a clock that nobody sets.
public struct Stopwatch {
  private let begun = ContinuousClock.now

  /// Starts to count.
  public init() {}

  /// Seconds since the stopwatch was made.
  public var seconds: Double {
    let (whole, parts) = begun.duration(to: .now).components
    return Double(whole) + Double(parts) * 1e-18
  }
}
