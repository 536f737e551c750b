import Torch

/// Where a sampling run is between two steps: with it another process does the other steps, to the same bits.
public struct DenoisingState {
  /// The step that is next, 0 … `count`.
  public let step: Int
  /// Number of steps of the whole grid.
  public let count: Int
  /// How often the run drew noise, the initial one included: its generators are where they are after as many draws.
  public let draws: Int
  /// The latent before the step, `[B, C, h, w]`.
  public let latent: Tensor
  /// What the sampler needs of the steps before (`Sampler.history`), tensors of the latent's shape by name.
  public let history: [String: Tensor]

  /// A state of the given values, which `Denoising.resume` checks.
  public init(step: Int, count: Int, draws: Int, latent: Tensor, history: [String: Tensor]) {
    (self.step, self.count, self.draws) = (step, count, draws)
    (self.latent, self.history) = (latent, history)
  }

  /// The name of the latent among `tensors`.
  public static let latentName = "latent"
  private static let historyPrefix = "history."

  /// All tensors by name, as files hold them.
  public var tensors: [(key: String, tensor: Tensor)] {
    [(Self.latentName, latent)] + history.sorted { $0.key < $1.key }.map { (Self.historyPrefix + $0.key, $0.value) }
  }

  /// A state whose tensors a file holds; throws where it holds no latent, or others than a latent and a history.
  public init(
    step: Int, count: Int, draws: Int, tensors: [(key: String, tensor: Tensor)]
  ) throws(DenoisingStateError) {
    var (latent, history): (Tensor?, [String: Tensor]) = (nil, [:])
    for (key, tensor) in tensors {
      if key == Self.latentName {
        latent = tensor
      } else if key.hasPrefix(Self.historyPrefix) {
        history[String(key.dropFirst(Self.historyPrefix.count))] = tensor
      } else {
        throw DenoisingStateError("tensor \"\(key)\"", expected: "the latent or a history", actual: "neither")
      }
    }
    guard let latent else {
      throw DenoisingStateError("tensor \"\(Self.latentName)\"", expected: "a tensor", actual: "none")
    }
    self.init(step: step, count: count, draws: draws, latent: latent, history: history)
  }

  /// Throws unless a run with these steps, draws, latents and names can be in this state.
  func check(
    steps: ClosedRange<Int>, count: Int, draws: Int, latent shape: [Int], _ dtype: DType, _ names: Set<String>
  ) throws(DenoisingStateError) {
    func wrong(_ key: String, _ expected: String, _ actual: String) -> DenoisingStateError {
      DenoisingStateError(key, expected: expected, actual: actual)
    }
    guard self.count == count else { throw wrong("count", "\(count) steps", "\(self.count)") }
    guard steps.contains(step) else {
      throw wrong("step", "\(steps.lowerBound) to \(steps.upperBound)", "\(step)")
    }
    let range = draws...draws + step - steps.lowerBound
    guard range.contains(self.draws) else {
      throw wrong("draws", "\(range.lowerBound) to \(range.upperBound)", "\(self.draws)")
    }
    guard Set(history.keys) == names else {
      func list(_ names: some Sequence<String>) -> String {
        let sorted = names.sorted()
        return sorted.isEmpty ? "none" : sorted.joined(separator: ", ")
      }
      throw wrong("the sampler's history", list(names), list(history.keys))
    }
    for (key, tensor) in tensors {
      guard tensor.shape == shape else { throw wrong("tensor \"\(key)\"", "shape \(shape)", "\(tensor.shape)") }
      guard tensor.dtype == dtype else { throw wrong("tensor \"\(key)\"", "type \(dtype)", "\(tensor.dtype)") }
      guard tensor.allFinite else { throw wrong("tensor \"\(key)\"", "finite values", "NaN or infinity") }
    }
  }
}

/// A state that cannot be one of the run that is to be resumed.
public struct DenoisingStateError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong, and what it should be and is.
  public let description: String

  init(_ key: String, expected: String, actual: String) {
    description = "\(key): expected \(expected), found \(actual)"
  }
}
