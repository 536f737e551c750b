import Torch

/// The denoising loss at random timesteps.
public struct DiffusionLoss: Sendable {
  /// The loss type.
  public enum LossType: String, Codable, Sendable, CaseIterable {
    /// Absolute and squared errors.
    case l1, l2
    /// Pseudo-Huber with c = 0.1: √(error² + c²) − c.
    case huber
  }

  /// The noise schedule that timesteps are drawn from; it also determines the prediction type.
  public let schedule: Schedule
  /// The function of the error, before weighting.
  public let lossType: LossType

  /// Timestep shift towards noise: 1 samples timesteps uniformly, 3 half of them above three quarters.
  ///
  /// The prompt matters most at high noise: at lower noise the latent itself shows the contents, the earlier the more
  /// elements it has.
  public let timeShift: Double

  /// γ of min-SNR weighting; nil weighs the errors of the network's output equally at all timesteps.
  ///
  /// "Efficient Diffusion Training via Min-SNR Weighting Strategy", Hang et al., 2023: errors of the clean latent have the
  /// weight min(SNR, γ), so that the many low-noise timesteps do not dominate.
  public let minSNR: Double?

  /// Fraction of samples with uniformly drawn timesteps, whatever `timeShift` is, for the detail at low noise.
  public let uniformShare: Double

  /// A loss with uniform timesteps and equal weights unless the last three say otherwise.
  public init(
    schedule: Schedule, lossType: LossType, timeShift: Double = 1, uniformShare: Double = 0, minSNR: Double? = nil
  ) {
    self.schedule = schedule
    self.lossType = lossType
    self.timeShift = timeShift
    self.uniformShare = uniformShare
    self.minSNR = minSNR
  }

  /// Noisy latents with their training targets.
  public struct NoisyBatch {
    /// Latents with noise at their timesteps, `[B, C, h, w]`.
    public let noisy: Tensor
    /// The network's timesteps, `[B]`, float32.
    public let timesteps: Tensor
    /// The expected output of the network, `[B, C, h, w]`; its meaning depends on the prediction type.
    public let target: Tensor
    /// The loss weights of the timesteps, `[B, 1, 1, 1]`; nil is 1 for all.
    public let weights: Tensor?
  }

  /// Adds noise at random timesteps drawn from `generator`.
  ///
  /// There is no device transfer if latents, generator and tables are on the same device. Timesteps are shifted as in
  /// "Scaling Rectified Flow Transformers", Esser et al., 2024, equation 23; with `range` they are uniform in that range,
  /// given as fractions of all timesteps.
  public func noisyBatch(
    clean: Tensor, generator: Generator, tables: LossTables? = nil, within range: ClosedRange<Double>? = nil
  ) -> NoisyBatch {
    let batch = clean.shape[0]
    let tables = tables ?? LossTables(self, device: clean.device)
    let even = Tensor.rand([batch], generator: generator)
    var shifted = even * timeShift / (even * (timeShift - 1) + 1)
    if uniformShare > 0 {
      shifted = Tensor.where(Tensor.rand([batch], generator: generator) .< uniformShare, even, shifted)
    }
    if let range { shifted = even * (range.upperBound - range.lowerBound) + range.lowerBound }
    let times = (shifted * Double(schedule.count)).to(.int64).clamped(to: 0...Double(schedule.count - 1))
    let noise = Tensor.randn(clean.shape, generator: generator).to(clean.device)
    let places = times.to(.int64).to(clean.device)
    func column(_ table: Tensor) -> Tensor { table.indexed(0, places).reshaped([batch, 1, 1, 1]) }
    let (alpha, sigma) = (column(tables.alpha), column(tables.sigma))
    let prediction = schedule.configuration.predictionType
    return NoisyBatch(
      noisy: alpha * clean + sigma * noise, timesteps: places.to(.float32),
      target: prediction.target(clean: clean, noise: noise, alpha: alpha, sigma: sigma),
      weights: tables.weight.map(column))
  }

  /// The weight of a timestep.
  ///
  /// It is derived for squared errors; L1 and Huber losses use its square root.
  public func weight(at timestep: Int) -> Double {
    guard let minSNR else { return 1 }
    let prediction = schedule.configuration.predictionType
    let weight = prediction.minSNRWeight(
      alpha: schedule.alpha(timestep), sigma: schedule.sigma(timestep), limit: minSNR)
    return lossType == .l2 ? weight : weight.squareRoot()
  }

  /// The mean loss, a scalar in float32; `weights` broadcasts to the output and has mean 1.
  public func callAsFunction(_ output: Tensor, _ target: Tensor, weights: Tensor? = nil) -> Tensor {
    let error = output.to(.float32) - target
    let losses =
      switch lossType {
      case .l1: error.abs()
      case .l2: error.square()
      case .huber: (error.square() + 0.01).sqrt() - 0.1
      }
    return (weights.map { losses * $0 } ?? losses).mean()
  }
}

/// The tables of a loss over all timesteps, on a device.
public final class LossTables {
  let alpha: Tensor  // [count], float32: √ᾱ_t
  let sigma: Tensor  // [count], float32: √(1 − ᾱ_t)
  let weight: Tensor?  // [count], float32; nil if all timesteps have equal weight

  /// Computes the tables of a loss in Double and stores them as float32 on a device.
  public init(_ loss: DiffusionLoss, device: Device = .cpu) {
    func table(_ value: (Int) -> Double) -> Tensor {
      Tensor((0..<loss.schedule.count).map(value)).to(.float32).to(device)
    }
    alpha = table(loss.schedule.alpha)
    sigma = table(loss.schedule.sigma)
    weight = loss.minSNR.map { _ in table(loss.weight) }
  }
}
