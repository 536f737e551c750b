import Torch

/// The training objective: how far the prediction is from its target, at random times.
public struct DiffusionLoss: Sendable {
  public enum Distance: String, Codable, Sendable, CaseIterable {
    case l1, l2
    case huber  // pseudo-Huber with c = 0.1: quadratic near zero, linear far away
  }

  public let schedule: Schedule
  public let distance: Distance

  /// How far training leans towards the noisy end: 1 draws all times equally often, 3 half of them above three quarters.
  ///
  /// What a prompt decides, it decides there: later, the noisy latent itself shows what is drawn, and the more values a
  /// latent has, the earlier.
  public let timeShift: Double

  /// The signal to noise ratio γ above which a time's weight stops growing; nil weighs all times alike in what the
  /// network predicts.
  ///
  /// "Efficient Diffusion Training via Min-SNR Weighting Strategy", Hang et al., 2023: as clean latents, errors count
  /// min(SNR, γ), so that the many nearly clean times do not outvote the few that decide what is drawn.
  public let minSNR: Double?

  /// Share of the samples whose times are drawn evenly, in spite of `timeShift`: for the detail, which is decided late.
  public let evenShare: Double

  public init(
    schedule: Schedule, distance: Distance, timeShift: Double = 1, evenShare: Double = 0, minSNR: Double? = nil
  ) {
    self.schedule = schedule
    self.distance = distance
    self.timeShift = timeShift
    self.evenShare = evenShare
    self.minSNR = minSNR
  }

  /// Noisy latents to train on and what to ask of the network.
  public struct Question {
    public let noisy: Tensor  // [B, C, h, w]
    public let timesteps: Tensor  // [B], float
    public let target: Tensor  // [B, C, h, w]
    public let weights: Tensor?  // [B, 1, 1, 1], of the times; nil is 1
  }

  /// Adds noise at random times; everything random comes from `generator`.
  ///
  /// Nothing leaves the device where the latents, the generator and the tables are on one.
  /// The times are shifted as in "Scaling Rectified Flow Transformers", Esser et al., 2024, equation 23; `range`, as
  /// shares of all times, replaces that by even times in it.
  public func question(
    clean: Tensor, generator: Generator, tables: LossTables? = nil, within range: ClosedRange<Double>? = nil
  ) -> Question {
    let batch = clean.shape[0]
    let tables = tables ?? LossTables(self, device: clean.device)
    let even = Tensor.rand([batch], generator: generator)
    var shifted = even * timeShift / (even * (timeShift - 1) + 1)
    if evenShare > 0 {
      shifted = Tensor.where(Tensor.rand([batch], generator: generator) .< evenShare, even, shifted)
    }
    if let range { shifted = even * (range.upperBound - range.lowerBound) + range.lowerBound }
    let times = (shifted * Double(schedule.count)).to(.int64).clamped(to: 0...Double(schedule.count - 1))
    let noise = Tensor.randn(clean.shape, generator: generator).to(clean.device)
    let places = times.to(.int64).to(clean.device)
    func column(_ table: Tensor) -> Tensor { table.indexed(0, places).reshaped([batch, 1, 1, 1]) }
    let (alpha, sigma) = (column(tables.alpha), column(tables.sigma))
    let prediction = schedule.configuration.predictionType
    return Question(
      noisy: alpha * clean + sigma * noise, timesteps: places.to(.float32),
      target: prediction.target(clean: clean, noise: noise, alpha: alpha, sigma: sigma),
      weights: tables.weight.map(column))
  }

  /// What an error at a time counts.
  ///
  /// The weight is derived for squared errors; distances that grow with the error itself get its root.
  public func weight(at timestep: Int) -> Double {
    guard let minSNR else { return 1 }
    let prediction = schedule.configuration.predictionType
    let weight = prediction.minSNRWeight(
      alpha: schedule.alpha(timestep), sigma: schedule.sigma(timestep), limit: minSNR)
    return distance == .l2 ? weight : weight.squareRoot()
  }

  /// Mean distance over everything, a scalar in float32; `weights` broadcasts to the output and has mean 1.
  public func callAsFunction(_ output: Tensor, _ target: Tensor, weights: Tensor? = nil) -> Tensor {
    let error = output.to(.float32) - target
    let distances =
      switch distance {
      case .l1: error.abs()
      case .l2: error.square()
      case .huber: (error.square() + 0.01).sqrt() - 0.1
      }
    return (weights.map { distances * $0 } ?? distances).mean()
  }
}

/// What a loss knows of every training time, on a device: for times that are drawn there.
public final class LossTables {
  let alpha: Tensor  // [count], float32: √ᾱ_t
  let sigma: Tensor  // [count], float32: √(1 − ᾱ_t)
  let weight: Tensor?  // [count], float32; nil where all times weigh alike

  public init(_ loss: DiffusionLoss, device: Device = .cpu) {
    func table(_ value: (Int) -> Double) -> Tensor {
      Tensor((0..<loss.schedule.count).map(value)).to(.float32).to(device)
    }
    alpha = table(loss.schedule.alpha)
    sigma = table(loss.schedule.sigma)
    weight = loss.minSNR.map { _ in table(loss.weight) }
  }
}
