import Torch

/// A part of a network: a class whose stored tensors are parameters and whose property path is the checkpoint key.
///
/// `unet.downBlocks[0].resnets[1].conv1.weight` is read by reflection as `downBlocks.0.resnets.1.conv1.weight` and
/// written in snake case (`down_blocks.0.resnets.1.conv1.weight`), the spelling of PyTorch's checkpoints.
/// Parameters change in place (`copy_`, the optimizer); properties are constants.
public protocol Module: AnyObject {}

/// A parameter and the name that it has in checkpoints.
public typealias NamedTensor = (key: String, tensor: Tensor)

extension Module {
  /// All tensors of this module and its parts, in order of declaration.
  public var parameters: [NamedTensor] {
    var found: [NamedTensor] = []
    collect(self, "", &found)
    return found
  }

  /// The tensors that an optimizer should change.
  public var trainable: [NamedTensor] { parameters.filter(\.tensor.requiresGrad) }

  /// Number of elements over all parameters.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.tensor.count } }

  /// Turns gradients on or off for every floating-point parameter.
  public func requireGradients(_ on: Bool) {
    for (_, tensor) in parameters where tensor.dtype.isFloatingPoint { tensor.requiresGrad = on }
  }

  /// Moves all parameters to a device, in place.
  public func move(to device: Device) {
    for (_, tensor) in parameters { tensor.setData_(tensor.values.to(device)) }
  }

  /// Lets all parameters go: the network keeps its sizes, and computes NaN until its parameters are replaced.
  public func release() {
    for (_, tensor) in parameters { tensor.release_() }
  }

  /// Converts all floating-point parameters to a type, in place.
  public func convert(to dtype: DType) {
    for (_, tensor) in parameters where tensor.dtype.isFloatingPoint { tensor.setData_(tensor.values.to(dtype)) }
  }

  /// Replaces every parameter by a value of any type; `lookup` gets the key and the shape that is expected.
  public func replace<E: Error>(_ lookup: (String, [Int]) throws(E) -> Tensor) throws(E) {
    for (key, tensor) in parameters { tensor.setData_(try lookup(key, tensor.shape)) }
  }

  /// Copies a value into every parameter; `lookup` gets the key and the shape that is expected.
  public func load<E: Error>(_ lookup: (String, [Int]) throws(E) -> Tensor) throws(E) {
    for (key, tensor) in parameters {
      let value = try lookup(key, tensor.shape)
      withNoGrad { tensor.copy_(value) }
    }
  }
}

/// Walks stored properties.
///
/// A property that could contain a tensor but cannot be walked is an error.
private func collect(_ value: Any, _ path: String, _ found: inout [NamedTensor]) {
  switch value {
  case let tensor as Tensor:
    found.append((path, tensor))
  case let module as any Module:
    var mirror: Mirror? = Mirror(reflecting: module)
    while let level = mirror {
      for child in level.children { collect(child.value, join(path, child.label ?? "?"), &found) }
      mirror = level.superclassMirror
    }
  case is any Encodable & Sendable: break  // sizes, names, enums, configurations: no tensor is Encodable
  case let parts as [Any]:
    for (index, part) in parts.enumerated() { collect(part, join(path, String(index)), &found) }
  case let optional as any OptionalValue:
    if let wrapped = optional.wrappedValue { collect(wrapped, path, &found) }
  default:
    fatalError(
      "\(path): a \(type(of: value)) may hide tensors; make it a Module, a Tensor or an Encodable value")
  }
}

private func join(_ path: String, _ name: String) -> String {
  let name = snakeCase(name)
  return path.isEmpty ? name : "\(path).\(name)"
}

/// The checkpoint key of a property name: `toOut` becomes `to_out`.
///
/// Digits stay with the letters before them (`conv1`, `norm2`), and a name that begins with a capital is unchanged
/// (`LayerNorm` in BERT's keys). A trailing underscore is dropped, for names that Swift reserves (`self_`).
private func snakeCase(_ name: String) -> String {
  if name.first?.isUppercase == true { return name }
  let name = name.hasSuffix("_") ? String(name.dropLast()) : name
  return name.reduce(into: "") { result, character in
    if character.isUppercase { result += "_" }
    result += character.lowercased()
  }
}

private protocol OptionalValue { var wrappedValue: Any? { get } }
extension Optional: OptionalValue { var wrappedValue: Any? { self } }

/// The initial values of parameters.
public enum Initializer {
  /// Random numbers, drawn in order of construction: the same generator state gives the same network.
  case random(Generator)
  /// Zeros.
  case empty
  /// NaN that takes no memory and cannot be changed, for networks all of whose parameters are replaced.
  case unallocated

  /// U(−b, b) with b = 1/√fanIn, as in PyTorch's `Linear` and `Conv2d` (Kaiming uniform with a = √5).
  func uniform(_ shape: [Int], fanIn: Int) -> Tensor {
    let tensor = zeros(shape)
    if case .random(let generator) = self {
      let bound = 1 / Double(max(fanIn, 1)).squareRoot()
      tensor.uniform_(-bound, bound, generator: generator)
    }
    return tensor
  }

  /// N(0, std²).
  func normal(_ shape: [Int], std: Double) -> Tensor {
    let tensor = zeros(shape)
    if case .random(let generator) = self { tensor.normal_(std: std, generator: generator) }
    return tensor
  }

  private func zeros(_ shape: [Int]) -> Tensor {
    if case .unallocated = self { return Tensor.unallocated(shape) }
    return Tensor.zeros(shape)
  }
}
