import CTorch

extension Tensor {
  /// A CPU tensor of the given elements in row-major order; a single dimension unless `shape` is given.
  public convenience init<E: TensorElement>(_ elements: [E], shape: [Int]? = nil) {
    let shape = shape ?? [elements.count]
    let expected = shape.reduce(1, *)
    guard expected == elements.count else {
      fatalError("shape \(shape) needs \(expected) elements, got \(elements.count)")
    }
    self.init(
      elements.withUnsafeBytes { bytes in
        withInts(shape) { ct_from_bytes(bytes.baseAddress, $0, $1, E.dtype.code) }
      })
  }

  /// A CPU tensor over a copy of raw bytes; traps if their number does not match.
  public convenience init(bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) {
    let expected = shape.reduce(1, *) * dtype.size
    guard bytes.count == expected else {
      fatalError("shape \(shape) needs \(expected) bytes, got \(bytes.count)")
    }
    self.init(withInts(shape) { ct_from_bytes(bytes.baseAddress, $0, $1, dtype.code) })
  }

  /// A CPU tensor over the memory of `owner`, which it keeps alive.
  ///
  /// Nothing may change it. Traps if the number of bytes does not match.
  package convenience init(in memory: UnsafeRawBufferPointer, of owner: AnyObject, shape: [Int], dtype: DType) {
    // Elements must lie where the processor expects them.
    guard let start = memory.baseAddress, Int(bitPattern: start).isMultiple(of: dtype.size),
      memory.count == shape.reduce(1, *) * dtype.size
    else {
      self.init(bytes: memory, shape: shape, dtype: dtype)
      return
    }
    let context = Unmanaged.passRetained(owner).toOpaque()
    self.init(
      withInts(shape) {
        ct_from_memory(start, $0, $1, dtype.code, context, { Unmanaged<AnyObject>.fromOpaque($0!).release() })
      })
  }

  /// A scalar (rank 0) on the CPU.
  public convenience init(_ value: Double, dtype: DType = .float32) {
    self.init(ct_full(nil, 0, value, dtype.code, CT_CPU, 0))
  }

  /// A tensor filled with one value.
  public static func full(_ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu)
    -> Tensor
  {
    Tensor(withInts(shape) { ct_full($0, $1, value, dtype.code, device.code, device.index) })
  }

  /// Zeros.
  public static func zeros(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) -> Tensor {
    full(shape, 0, dtype: dtype, device: device)
  }

  /// Ones.
  public static func ones(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) -> Tensor {
    full(shape, 1, dtype: dtype, device: device)
  }

  /// Uninitialized elements, to be written before they are read.
  public static func empty(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) -> Tensor {
    Tensor(withInts(shape) { ct_empty($0, $1, dtype.code, device.code, device.index) })
  }

  /// `start, start + step, …`, all below `end`.
  public static func arange(
    _ start: Double, _ end: Double, step: Double = 1, dtype: DType = .float32, device: Device = .cpu
  ) -> Tensor {
    Tensor(ct_arange(start, end, step, dtype.code, device.code, device.index))
  }

  /// Standard normal numbers, float32 on the generator's device: on the CPU `torch.randn(shape, generator=…)`'s.
  public static func randn(_ shape: [Int], generator: Generator) -> Tensor {
    Tensor(withInts(shape) { ct_randn($0, $1, generator.handle) })
  }

  /// Uniform numbers in [0, 1), float32 on the generator's device.
  public static func rand(_ shape: [Int], generator: Generator) -> Tensor {
    Tensor(withInts(shape) { ct_rand($0, $1, generator.handle) })
  }

  /// Whole numbers in `range`, int64 on the generator's device.
  public static func randint(_ range: Range<Int>, _ shape: [Int], generator: Generator) -> Tensor {
    Tensor(
      withInts(shape) {
        ct_randint(Int64(range.lowerBound), Int64(range.upperBound), $0, $1, generator.handle)
      })
  }

  /// A random permutation of 0 ..< count, int64 on the generator's device.
  public static func randperm(_ count: Int, generator: Generator) -> Tensor {
    Tensor(ct_randperm(Int64(count), generator.handle))
  }

  /// Concatenation along an existing dimension.
  public static func cat(_ parts: [Tensor], dim: Int = 0) -> Tensor {
    Tensor(withHandles(parts) { ct_cat($0, $1, Int64(dim)) })
  }

  /// Tensors of equal shape stacked along a new dimension.
  public static func stack(_ parts: [Tensor], dim: Int = 0) -> Tensor {
    Tensor(withHandles(parts) { ct_stack($0, $1, Int64(dim)) })
  }
}
