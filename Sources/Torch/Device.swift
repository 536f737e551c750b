import CTorch

/// The device of a tensor's elements.
public enum Device: Sendable, Hashable, CustomStringConvertible {
  /// The processor and main memory.
  case cpu
  /// The NVIDIA GPU with this index, counted from 0.
  case cuda(Int)
  /// The GPU of an Apple processor (Metal Performance Shaders).
  case mps

  /// The name that PyTorch uses: `cpu`, `cuda:0`, `mps`.
  public var description: String {
    switch self {
    case .cpu: "cpu"
    case .cuda(let index): "cuda:\(index)"
    case .mps: "mps"
    }
  }

  /// Reads `cpu`, `cuda`, `cuda:1` or `mps`; nil for anything else.
  public init?(_ name: String) {
    switch name {
    case "cpu": self = .cpu
    case "cuda": self = .cuda(0)
    case "mps": self = .mps
    default:
      guard name.hasPrefix("cuda:"), let index = Int(name.dropFirst(5)), index >= 0 else { return nil }
      self = .cuda(index)
    }
  }

  /// Number of CUDA devices that this libtorch can use; 0 with a CPU build.
  public static var cudaCount: Int { Int(ct_cuda_count()) }

  /// Waits until all work queued on this device is done; does nothing on a CPU.
  public func synchronize() {
    if case .cuda(let index) = self { check(ct_cuda_synchronize(Int32(index))) }
  }

  /// The peak memory of libtorch's allocator on a CUDA device, in bytes; 0 on other devices.
  public var peakBytes: Int {
    if case .cuda(let index) = self { Int(ct_cuda_peak_bytes(Int32(index))) } else { 0 }
  }

  init(code: CTDeviceType, index: Int32) {
    switch code {
    case CT_CUDA: self = .cuda(Int(index))
    case CT_MPS: self = .mps
    default: self = .cpu
    }
  }

  var code: CTDeviceType {
    switch self {
    case .cpu: CT_CPU
    case .cuda: CT_CUDA
    case .mps: CT_MPS
    }
  }

  var index: Int32 {
    if case .cuda(let index) = self { Int32(index) } else { 0 }
  }
}

/// Properties and settings of the libtorch in use.
public enum Libtorch {
  /// Version of the headers that the shim was built with, such as `2.13.0`.
  public static var version: String { String(cString: ct_version()) }

  /// Gives the memory of freed tensors back to the system, which the allocator would keep for further ones.
  public static func returnFreeMemory() { ct_return_free_memory() }

  /// Lets cuDNN benchmark the algorithms of every new convolution size; worthwhile if sizes repeat.
  public static func triesConvolutions(_ on: Bool) { ct_set_cudnn_benchmark(on) }

  /// Whether `withWinograd` is on in the calling thread.
  public static var usesWinograd: Bool { ct_uses_winograd() }

  /// Whether Winograd's algorithm is faster on this machine: on processors with AVX2 and without AVX-512, in an
  /// optimized build.
  public static var winogradPays: Bool { ct_winograd_pays() }

  /// Whether networks that only draw compute with `PackedWeights`, and those that are trained with fused layers, where the
  /// processor can.
  ///
  /// Applies to the whole process; initially on in optimized builds, unless the environment variable `FLUX_PLAIN` is set.
  public static var packsWeights: Bool {
    get { ci_in_use() }
    set { ci_set_in_use(newValue) }
  }

  /// Threads used inside one operation on the CPU.
  public static var threads: Int {
    get { Int(ct_threads()) }
    set { ct_set_threads(Int32(clamping: newValue)) }
  }

  /// Threads on which loops of Flux's own C++ run: `threads`, or 1 if libtorch uses another runtime than OpenMP's.
  package static var loopThreads: Int { Int(ct_loop_threads()) }
}
