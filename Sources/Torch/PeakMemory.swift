import Foundation

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
