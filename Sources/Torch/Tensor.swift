import CTorch
import Foundation
import Support

/// An n-dimensional array of libtorch: a reference to shared storage, with gradients on request.
///
/// Not `Sendable`: libtorch's tensors are not safe to share between threads. Reference counting frees the storage at
/// the last use. Operations trap on wrong shapes or types with libtorch's message, and end the program with a sentence
/// if memory runs out.
public final class Tensor {
  let handle: OpaquePointer
  /// The weight that a parameter holds in fewer bits; its own elements are then NaN.
  public internal(set) var compact: CompactWeight?
  /// What a layer that only draws computes with in place of this parameter; its own elements are then NaN.
  public internal(set) var packed: PackedWeights?

  /// Takes ownership of a handle; traps if it is NULL, since then the operation failed.
  init(_ handle: OpaquePointer?, function: StaticString = #function) {
    guard let handle else { failed(function) }
    self.handle = handle
  }

  deinit { ct_free(handle) }

  /// Number of dimensions.
  public var rank: Int { Int(ct_rank(handle)) }

  /// Sizes of all dimensions.
  public var shape: [Int] {
    var sizes = [Int64](repeating: 0, count: rank)
    ct_shape(handle, &sizes)
    return sizes.map(Int.init)
  }

  /// Number of elements.
  public var count: Int { Int(ct_count(handle)) }

  /// Element type.
  public var dtype: DType { DType(code: ct_type(handle)) }

  /// The device of the elements.
  public var device: Device {
    var index: Int32 = 0
    return Device(code: ct_device(handle, &index), index: index)
  }

  /// The sizes of a matrix; traps unless the rank is 2.
  public var shape2: (Int, Int) {
    let s = sizes(rank: 2)
    return (s[0], s[1])
  }

  /// The three sizes, as in `[B, N, D]`; traps unless the rank is 3.
  public var shape3: (Int, Int, Int) {
    let s = sizes(rank: 3)
    return (s[0], s[1], s[2])
  }

  /// The four sizes, as in `[B, C, H, W]`; traps unless the rank is 4.
  public var shape4: (Int, Int, Int, Int) {
    let s = sizes(rank: 4)
    return (s[0], s[1], s[2], s[3])
  }

  private func sizes(rank expected: Int) -> [Int] {
    let sizes = shape
    guard sizes.count == expected else { fatalError("expected \(expected) dimensions, got shape \(sizes)") }
    return sizes
  }
}

extension Tensor: CustomStringConvertible {
  /// Type, shape and device, and the values if there are few.
  public var description: String {
    let head = "Tensor(\(dtype) \(shape) \(device))"
    guard count > 0, count <= 16, dtype != .bool else { return head }
    return head + " \(doubles())"
  }
}

/// Calls `body` with C handles of several tensors, which stay alive during the call.
func withHandles<R>(_ tensors: [Tensor], _ body: (UnsafePointer<OpaquePointer?>, Int) -> R) -> R {
  withExtendedLifetime(tensors) {
    let handles: [OpaquePointer?] = tensors.map(\.handle)
    return handles.withUnsafeBufferPointer { body($0.baseAddress!, $0.count) }
  }
}

/// Calls `body` with sizes or dimensions as C integers.
func withInts<R>(_ values: [Int], _ body: (UnsafePointer<Int64>?, Int) -> R) -> R {
  values.map(Int64.init).withUnsafeBufferPointer { body($0.baseAddress, $0.count) }
}

/// Ends the program after a failed operation.
///
/// A wrong shape or type is a programming error and traps, with a backtrace. If memory runs out, the program ends with
/// one sentence and exit code 1, after removing half-written files.
func failed(_ function: StaticString) -> Never {
  let message = String(cString: ct_error_message())
  guard ct_error_kind() == CT_ERROR_MEMORY else { fatalError("\(function): \(message)") }
  Console.say("flux: \(OutOfMemory.sentence(message))")
  AtomicFile.removeTemporaries()
  _exit(1)  // no cleanup, since other threads may still be running
}

/// The message if memory runs out.
enum OutOfMemory {
  /// A sentence from libtorch's message, with the requested size if the message has it.
  static func sentence(_ message: String) -> String {
    let size =
      if let match = message.firstMatch(of: /tried to allocate ([0-9]+) bytes/), let bytes = Double(match.1) {
        String(format: "%.3g GB more", bytes / 1e9)
      } else if let match = message.firstMatch(of: /[Tt]ried to allocate ([0-9.]+ [KMGT]iB)/) {
        "\(match.1) more on the device"
      } else { "more" }
    return "out of memory: \(size) could not be had; a smaller size, batch or model needs less"
  }
}

/// Traps with libtorch's message if a call that returns a status failed.
///
/// A failed operation is a programming error (a shape, a type). It does not throw, so that formulas need no `try`.
func check(_ status: Int32, function: StaticString = #function) {
  if status != 0 { failed(function) }
}
