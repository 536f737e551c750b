import NN
import Torch

/// AdamW (Loshchilov & Hutter 2019) over named parameters, with libtorch's fused update.
public final class AdamW: UpdateRule {
  /// The tensors that are updated in place, under their checkpoint keys.
  public let parameters: [NamedTensor]
  let firstMoments: [Tensor]
  let secondMoments: [Tensor]
  let steps: [Tensor]
  private let one: Tensor
  private let weightDecay: Double
  private let beta2: Double
  private let learningRateScale: Double

  /// An optimizer with zero moments in float32 on each parameter's device; β₁ is 0.9 and ε is 1e-8.
  ///
  /// `weightDecay` is decoupled: it is multiplied by the learning rate. `learningRateScale` multiplies the learning rate
  /// that `update` gets.
  public init(
    _ parameters: [NamedTensor], weightDecay: Double, beta2: Double = 0.99, learningRateScale: Double = 1
  ) {
    self.parameters = parameters
    firstMoments = parameters.map { Tensor.zeros($0.tensor.shape, device: $0.tensor.device) }
    secondMoments = parameters.map { Tensor.zeros($0.tensor.shape, device: $0.tensor.device) }
    steps = parameters.map { Tensor(0, dtype: .float32).to($0.tensor.device) }
    one = Tensor(1).to(parameters.first?.tensor.device ?? .cpu)
    self.weightDecay = weightDecay
    self.beta2 = beta2
    self.learningRateScale = learningRateScale
  }

  /// One update of all parameters; where `skip` is 1 neither parameters nor moments change.
  public func update(_ gradients: [Tensor], learningRate: Double, skip: Tensor?) {
    guard !parameters.isEmpty else { return }
    Foreach.add(steps, skip.map { 1 - $0 } ?? one)  // the update corrects its moments' bias by the count of updates
    Foreach.adamW(
      parameters: parameters.map(\.tensor), gradients: gradients, firstMoments: firstMoments,
      secondMoments: secondMoments, steps: steps, learningRate: learningRate * learningRateScale, beta1: 0.9,
      beta2: beta2,
      weightDecay: weightDecay, eps: 1e-8, skip: skip)
  }

  /// Both moments and the count of updates of each parameter, under `first.`, `second.` and `steps.` with its key.
  public var state: [NamedTensor] {
    parameters.enumerated().flatMap { index, named in
      [
        ("first.\(named.key)", firstMoments[index]), ("second.\(named.key)", secondMoments[index]),
        ("steps.\(named.key)", steps[index]),
      ]
    }
  }
}
