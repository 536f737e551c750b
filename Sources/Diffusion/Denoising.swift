import Torch

/// One step of a sampling run, as its caller sees it.
public struct DenoisingStep {
  /// Index of the step, 0 ..< `count`; image-to-image begins above 0.
  public let index: Int
  /// Number of steps of the whole grid, including those that image-to-image skips.
  public let count: Int
  /// The time at the start of the step.
  public let time: DiffusionTime
  /// The latent after the step, `[B, C, h, w]`.
  public let latent: Tensor
  /// The estimated clean latent, `[B, C, h, w]`, for previews.
  public let clean: Tensor
  /// Where the run is after the step.
  public let state: DenoisingState
}

/// The kept region of an image for inpainting.
public struct KnownRegion {
  let latent: Tensor
  let noise: Tensor
  let mask: Tensor

  /// - Parameters:
  ///   - latent: the clean latent of the image, `[B, C, h, w]`.
  ///   - noise: the initial noise of the run, same shape.
  ///   - mask: the inpainting mask: 1 where the image is generated, 0 where it is kept; broadcasts to the latent.
  public init(latent: Tensor, noise: Tensor, mask: Tensor) {
    self.latent = latent
    self.noise = noise
    self.mask = mask
  }

  /// x with the kept region restored at the noise level of `time`.
  func restored(in x: Tensor, at time: DiffusionTime) -> Tensor {
    x * mask + (latent * time.alpha + noise * time.sigma) * (1 - mask)
  }
}

/// The sampling loop as a lazy sequence of steps from noise to a clean latent.
///
/// The caller handles progress, previews and early stopping: `for step in Denoising(…) { … }`. Image-to-image starts the
/// same sequence later, on a latent from `TimeGrid.noised`.
public struct Denoising: Sequence, IteratorProtocol {
  private let grid: TimeGrid
  private let prediction: Prediction
  private let cleanRange: ClosedRange<Double>?
  private let known: KnownRegion?
  private let noise: NoiseSource
  private let denoiser: Denoiser
  private let start: Int
  private var sampler: any Sampler
  private var index: Int
  /// The latent after the last step that was done, or at the start, `[B, C, h, w]`.
  public private(set) var latent: Tensor

  /// - Parameters:
  ///   - latent: x at the grid's time `start`, `[B, C, h, w]`; float32 or wider, on the network's device.
  ///   - grid: the times to visit.
  ///   - start: the step to begin with, 0 … `grid.count`; from `TimeGrid.start(strength:)` for image-to-image.
  ///   - sampler: the algorithm, with an empty history.
  ///   - prediction: what the denoiser predicts.
  ///   - cleanRange: estimates of the clean latent are clamped to it; none are when nil.
  ///   - known: the part that stays as it is; nil where everything is drawn.
  ///   - noise: what stochastic samplers draw from, usually the source of the first noise.
  ///   - denoiser: the network, guided or not.
  public init(
    _ latent: Tensor, along grid: TimeGrid, from start: Int = 0, sampler: any Sampler, prediction: Prediction,
    cleanRange: ClosedRange<Double>? = nil, known: KnownRegion? = nil, noise: NoiseSource,
    denoiser: @escaping Denoiser
  ) {
    guard (0...grid.count).contains(start) else {
      fatalError("step \(start) of a grid of \(grid.count) steps")
    }
    guard latent.dtype == .float32 || latent.dtype == .float64 else {
      fatalError("the latent is \(latent.dtype); sampling needs float32 or wider")
    }
    self.latent = latent
    self.grid = grid
    self.sampler = sampler
    self.prediction = prediction
    self.cleanRange = cleanRange
    self.known = known
    self.noise = noise
    self.denoiser = denoiser
    self.start = start
    index = start
  }

  /// Where the run is: with it `resume` does the other steps, also in another process, to the same bits.
  public var state: DenoisingState {
    // A finished run has no use for its history.
    DenoisingState(
      step: index, count: grid.count, draws: noise.draws, latent: latent,
      history: index < grid.count ? sampler.history : [:])
  }

  /// Goes on where another run of the same request was; the run must not have begun.
  ///
  /// Throws for a state that cannot be one of this run's: other steps, shapes or names, more noise, values that are not
  /// finite.
  public mutating func resume(from state: DenoisingState) throws(DenoisingStateError) {
    guard index == start else { fatalError("a run that has begun cannot be resumed from another's state") }
    let names = state.step < grid.count ? sampler.historyNames(before: state.step, from: start) : []
    try state.check(
      steps: start...grid.count, count: grid.count, draws: noise.draws, latent: latent.shape, latent.dtype, names)
    index = state.step
    let device = latent.device
    latent = state.latent.to(device)
    sampler.restore(state.history.mapValues { $0.to(device) }, before: index, of: grid)
    for _ in noise.draws..<state.draws { _ = noise.next() }
  }

  /// Does one step; nil when the latent is clean.
  public mutating func next() -> DenoisingStep? {
    guard index < grid.count else { return nil }
    let (prediction, denoiser, cleanRange, noise) = (prediction, denoiser, cleanRange, noise)
    let before = latent
    let (after, clean) = withNoGrad {
      sampler.step(
        before, at: index, of: grid,
        estimate: { x, time in
          prediction.estimate(denoiser(x, time).to(x.dtype), at: x, time: time, cleanRange: cleanRange)
        },
        noise: { noise.next().to(before.dtype).to(before.device) })
    }
    // The kept region ends as it is, even where the grid ends with a little noise.
    let reached = index + 1 == grid.count ? .clean : grid.times[index + 1]
    latent = withNoGrad { known?.restored(in: after, at: reached) ?? after }
    index += 1
    return DenoisingStep(
      index: index - 1, count: grid.count, time: grid.times[index - 1], latent: latent, clean: clean, state: state)
  }
}

extension TimeGrid {
  /// Noise as x at the first time: where text-to-image begins.
  public func initial(_ noise: Tensor) -> Tensor { noise * initialScale }

  /// A clean latent with noise mixed in as at step `start`: where image-to-image begins.
  public func noised(_ clean: Tensor, _ noise: Tensor, at start: Int) -> Tensor {
    clean * times[start].alpha + noise * times[start].sigma
  }

  /// x at step `start` of an image-to-image run: `noised`, or `initial` at step 0, where strength 1 begins.
  ///
  /// At step 0 the clean latent has no part in it, so that strength 1 is text-to-image.
  public func begun(_ clean: Tensor, _ noise: Tensor, at start: Int) -> Tensor {
    start == 0 ? initial(noise) : noised(clean, noise, at: start)
  }
}

/// Standard noise with one generator for each image of a batch.
///
/// Image k draws from seed k alone, float32 on the CPU, so that a batch equals the same images made singly, on
/// every device and for any number of threads.
public final class NoiseSource {
  private let generators: [Generator]
  private let shape: [Int]  // [C, h, w]
  /// How often noise was drawn.
  public private(set) var draws = 0

  /// One image for each seed; `shape` is one image's, without the batch.
  public init(seeds: [UInt64], shape: [Int]) {
    guard !seeds.isEmpty else { fatalError("a noise source needs at least one seed") }
    generators = seeds.map { Generator(seed: $0) }
    self.shape = shape
  }

  /// The seeds of images 0 ..< count: seed, seed + 1, …; wraps around at the largest.
  public static func seeds(from seed: UInt64, count: Int) -> [UInt64] {
    (0..<count).map { seed &+ UInt64($0) }
  }

  /// The next noise of every image, `[B, C, h, w]`, float32 on the CPU.
  public func next() -> Tensor {
    draws += 1
    return Tensor.cat(generators.map { Tensor.randn([1] + shape, generator: $0) }, dim: 0)  // [B, C, h, w]
  }
}
