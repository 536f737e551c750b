import CTorch
import Foundation

/// Where libtorch spent its time, by operation and by kernel of a device.
public struct Profile: Codable, Sendable {
  /// One operation of the CPU, or one kernel of a device.
  public struct Row: Codable, Sendable, Equatable {
    /// As libtorch names it: `aten::convolution`, or a kernel's C++ name.
    public let name: String
    /// Whether it ran on the CPU rather than on a device.
    public let isOnCPU: Bool
    /// How often it ran.
    public let calls: Int
    /// Its seconds, without those of other operations inside it.
    public let seconds: Double
  }

  /// All rows, longest first.
  public let rows: [Row]
  /// Seconds that passed.
  public let seconds: Double

  /// Profiles what `body` computes on a device and in this thread, which takes longer for it.
  ///
  /// One at a time in a process.
  public static func of<R>(_ device: Device, _ body: () throws -> R) rethrows -> (result: R, profile: Profile) {
    device.synchronize()
    check(ct_profile_begin(device.code))
    let watch = Stopwatch()
    let rows = Rows()
    func end() -> Double {
      device.synchronize()
      let seconds = watch.seconds
      let add: CTProfileRow = { context, name, device, count, nanoseconds in
        guard let context, let name else { return }
        Unmanaged<Rows>.fromOpaque(context).takeUnretainedValue().all.append(
          Row(
            name: String(cString: name), isOnCPU: device == CT_CPU, calls: Int(count),
            seconds: Double(nanoseconds) * 1e-9))
      }
      check(ct_profile_end(add, Unmanaged.passUnretained(rows).toOpaque()))
      return seconds
    }
    let result: R
    do {
      result = try body()
    } catch {
      _ = end()
      throw error
    }
    let seconds = end()
    return (result, Profile(rows: rows.all.sorted { ($0.seconds, $1.name) > ($1.seconds, $0.name) }, seconds: seconds))
  }

  private final class Rows {
    var all: [Row] = []
  }

  /// A table of the longest rows of CPU and device, `count` of each, in milliseconds for each of `steps` steps.
  public func table(steps: Int, count: Int = 20) -> String {
    [false, true].compactMap { onCPU -> String? in
      let own = rows.filter { $0.isOnCPU == onCPU }
      if own.isEmpty { return nil }
      let total = own.reduce(0) { $0 + $1.seconds }
      func line(_ seconds: Double, _ calls: Int, _ name: String) -> String {
        let milliseconds = String(format: "%9.3f", 1e3 * seconds / Double(steps))
        let share = String(format: "%6.1f", 100 * seconds / max(total, 1e-12))
        return "\(milliseconds) \(share) \(String(format: "%8.1f", Double(calls) / Double(steps)))  \(name.prefix(110))"
      }
      let head = "\(onCPU ? "CPU" : "device"): ms a step, %, calls a step"
      let all = line(
        total, own.reduce(0) { $0 + $1.calls },
        "all of \(String(format: "%.3f", 1e3 * self.seconds / Double(steps))) ms")
      return ([head, all] + own.prefix(count).map { line($0.seconds, $0.calls, $0.name) }).joined(separator: "\n")
    }.joined(separator: "\n")
  }
}
