import Diffusion
import TestSupport
import Testing
import Torch

@Suite struct DenoisingTests {
  let schedule = GaussianTests.schedule()
  static let image = [3, 4, 4]

  /// Not linear and guided, so that nothing is hidden by symmetry.
  static func network(_ x: Tensor, _ time: DiffusionTime, _ branches: [Branch]) -> Tensor {
    let parts = zip(x.chunked(branches.count, dim: 0), branches).map { part, branch in
      time.alpha * part.tanh() - time.sigma * (part * 0.5 + (branch == .conditional ? 0.3 : -0.2))
    }
    return Tensor.cat(parts, dim: 0)
  }

  private func run(
    _ kind: SamplerKind, seeds: [UInt64], dtype: DType = .float32, eta: Double = 0,
    range: ClosedRange<Double>? = nil
  ) throws -> [DenoisingStep] {
    let grid = try TimeGrid(schedule, kind: kind, steps: 8)
    let source = NoiseSource(seeds: seeds, shape: Self.image)
    let latent = grid.initial(source.next().to(dtype))
    return Array(
      Denoising(
        latent, along: grid, sampler: kind.makeSampler(eta: eta), prediction: .v, cleanRange: range,
        noise: source,
        denoiser: Guidance(scale: 3, rescale: 0.5)(Self.network)))
  }

  @Test(arguments: SamplerKind.allCases) func aBatchEqualsItsImagesMadeSinglyToTheBit(_ kind: SamplerKind)
    throws
  {
    let batch = try run(kind, seeds: [40, 41, 42], eta: 0.5).last!.latent
    for (row, seed) in ([40, 41, 42] as [UInt64]).enumerated() {
      let single = try run(kind, seeds: [seed], eta: 0.5).last!.latent
      #expect(batch[row..<row + 1].bytes() == single.bytes(), "seed \(seed)")
    }
  }

  @Test(arguments: SamplerKind.allCases) func singlePrecisionFollowsDoublePrecision(_ kind: SamplerKind)
    throws
  {
    let single = try run(kind, seeds: [5]).last!.latent
    let double = try run(kind, seeds: [5], dtype: .float64).last!.latent
    #expect(single.dtype == .float32 && double.dtype == .float64)
    expectClose(single, double.to(.float32), atol: 2e-5)
  }

  @Test(arguments: SamplerKind.allCases) func stepsTellWhereTheyAre(_ kind: SamplerKind) throws {
    let steps = try run(kind, seeds: [1])
    #expect(steps.map(\.index) == Array(0..<8))
    #expect(
      steps.allSatisfy {
        $0.count == 8 && $0.latent.shape == [1, 3, 4, 4] && $0.clean.shape == [1, 3, 4, 4]
      })
    #expect(steps[0].time.timestep > steps[7].time.timestep)
    // The last step ends at what it foresaw.
    expectClose(steps[7].latent, steps[7].clean, atol: 1e-6)
  }

  @Test func nothingIsComputedBeforeItIsAskedFor() throws {
    final class Count { var calls = 0 }
    let count = Count()
    let grid = try TimeGrid(schedule, kind: .ddim, steps: 8)
    let source = NoiseSource(seeds: [1], shape: Self.image)
    let denoising = Denoising(
      grid.initial(source.next()), along: grid, sampler: DDIM(), prediction: .v, noise: source
    ) { x, _ in
      count.calls += 1
      return x
    }
    for step in denoising where step.index == 2 { break }
    #expect(count.calls == 3)
  }

  @Test(arguments: [SamplerKind.ddpm, .ddim, .euler, .euler_a, .heun])
  func imageToImageIsTheTailOfTheFullLoop(_ kind: SamplerKind) throws {
    let grid = try TimeGrid(schedule, kind: kind, steps: 8)
    func steps(_ latent: Tensor, from start: Int, _ source: NoiseSource) -> [DenoisingStep] {
      Array(
        Denoising(
          latent, along: grid, from: start, sampler: kind.makeSampler(), prediction: .v, noise: source,
          denoiser: Guidance(scale: 2)(Self.network)))
    }
    let source = NoiseSource(seeds: [9], shape: Self.image)
    let full = steps(grid.initial(source.next()), from: 0, source)
    let later = NoiseSource(seeds: [9], shape: Self.image)
    // The first noise and that of the three steps which are left out; deterministic samplers draw none.
    for _ in 0..<4 { _ = later.next() }
    let tail = steps(full[2].latent, from: 3, later)
    #expect(tail.map(\.index) == Array(3..<8))
    #expect(tail.last!.latent.bytes() == full.last!.latent.bytes())
  }

  @Test(arguments: SamplerKind.allCases) func estimatesStayInTheirRange(_ kind: SamplerKind) throws {
    for step in try run(kind, seeds: [1], range: -0.25...0.25) {
      #expect(step.clean.abs().max().item() <= 0.25)
    }
    let free = try run(kind, seeds: [1]).map { $0.clean.abs().max().item() }.max()!
    #expect(free > 0.3)
  }

  @Test(arguments: SamplerKind.allCases) func aKnownRegionIsKept(_ kind: SamplerKind) throws {
    let grid = try TimeGrid(schedule, kind: kind, steps: 8)
    let source = NoiseSource(seeds: [1], shape: Self.image)
    let noise = source.next()
    let known = Tensor.full([1, 3, 4, 4], 0.6)
    let mask = Tensor([1, 1, 0, 0] as [Float], shape: [1, 1, 1, 4])
    let final = Array(
      Denoising(
        grid.noised(known, noise, at: 0), along: grid, sampler: kind.makeSampler(), prediction: .v,
        known: KnownRegion(latent: known, noise: noise, mask: mask), noise: source,
        denoiser: Guidance(scale: 2)(Self.network))
    ).last!.latent
    expectClose(final.narrowed(3, 2, 2), known.narrowed(3, 2, 2), atol: 1e-6)
    #expect((final.narrowed(3, 0, 2) - 0.6).abs().mean().item() > 0.1)
  }

  @Test func eulerIsDDIMAndItsAncestralKindIsDDPM() throws {
    // The same step in other words (Karras et al., 2022, Appendix C): on one grid the results agree.
    let grid = try TimeGrid(schedule, kind: .ddim, steps: 12, lowestLambda: -5.1)
    func final(_ sampler: any Sampler) -> Tensor {
      let source = NoiseSource(seeds: [2], shape: Self.image)
      let latent = grid.initial(source.next().to(.float64))
      return Array(
        Denoising(
          latent, along: grid, sampler: sampler, prediction: .v, noise: source,
          denoiser: Guidance(scale: 2)(Self.network))
      ).last!.latent
    }
    expectClose(final(Euler()), final(DDIM()), atol: 1e-10)
    expectClose(final(EulerAncestral()), final(DDIM(eta: 1)), atol: 1e-10)
    expectClose(final(DDPM()), final(DDIM(eta: 1)), atol: 1e-10)
    #expect((final(DDIM()) - final(DDIM(eta: 1))).abs().max().item() > 0.01)
  }

  @Test func theNetworkMayAnswerInHalfPrecision() throws {
    let grid = try TimeGrid(schedule, kind: .dpmpp_2m, steps: 4)
    let source = NoiseSource(seeds: [2], shape: Self.image)
    let steps = Array(
      Denoising(
        grid.initial(source.next()), along: grid, sampler: DPMSolverMultistep(), prediction: .v, noise: source
      ) { x, _ in (x * 0.5).to(.bfloat16) })
    #expect(steps.allSatisfy { $0.latent.dtype == .float32 })
  }
}
