import Diffusion
import TestSupport
import Testing
import Torch

@Suite struct DenoisingStateTests {
  private static let steps = 8
  private let schedule = GaussianTests.schedule()

  /// A run from step `start`, with a part of the latent kept where it is above 0.
  private func run(_ kind: SamplerKind, from start: Int, steps: Int = Self.steps, eta: Double = 0.5) throws -> Denoising
  {
    let grid = try TimeGrid(schedule, kind: kind, steps: steps)
    let source = NoiseSource(seeds: [7, 8], shape: DenoisingTests.image)
    let noise = source.next()
    let clean = noise.tanh()
    let mask = (noise[0..<1] * 1e9).clamped(to: 0...1)
    return Denoising(
      grid.begun(clean, noise, at: start), along: grid, from: start, sampler: kind.makeSampler(eta: eta),
      prediction: .v,
      cleanRange: -3...3, known: start > 0 ? KnownRegion(latent: clean, noise: noise, mask: mask) : nil, noise: source,
      denoiser: Guidance(scale: 3, rescale: 0.5)(DenoisingTests.network))
  }

  @Test(arguments: SamplerKind.allCases, [0, 3]) func aRunGoesOnFromEveryStepToTheSameBits(
    _ kind: SamplerKind, _ start: Int
  ) throws {
    let whole = Array(try run(kind, from: start))
    let states = [try run(kind, from: start).state] + whole.map(\.state)
    for state in states {
      var rest = try run(kind, from: start)
      try rest.resume(from: state)
      var last = rest.latent
      while let step = rest.next() {
        last = step.latent
        #expect(step.clean.bytes() == whole[step.index - start].clean.bytes(), "step \(step.index)")
      }
      #expect(last.bytes() == whole.last!.latent.bytes(), "from step \(state.step)")
    }
    #expect(states.map(\.step) == Array(start...Self.steps))
  }

  /// Twice interrupted: what a resumed run says of itself is what the first would have said.
  @Test(arguments: SamplerKind.allCases) func theStateOfAResumedRunIsThatOfTheWhole(_ kind: SamplerKind) throws {
    let whole = Array(try run(kind, from: 0)).map(\.state)
    var state = try run(kind, from: 0).state
    for expected in whole {
      var run = try run(kind, from: 0)
      try run.resume(from: state)
      let step = run.next()
      state = try #require(step).state
      #expect((state.step, state.count, state.draws) == (expected.step, expected.count, expected.draws))
      #expect(state.tensors.map(\.key) == expected.tensors.map(\.key))
      for (own, other) in zip(state.tensors, expected.tensors) { #expect(own.tensor.bytes() == other.tensor.bytes()) }
    }
  }

  @Test(arguments: SamplerKind.allCases) func aSamplerNamesTheHistoryThatItHas(_ kind: SamplerKind) throws {
    for start in 0...4 {
      for step in try run(kind, from: start) where step.index + 1 < step.count {
        let names = kind.makeSampler().historyNames(before: step.index + 1, from: start)
        #expect(Set(step.state.history.keys) == names, "step \(step.index) from \(start)")
      }
    }
  }

  @Test func aStateOfAnotherRunIsRefused() throws {
    let state = Array(try run(.dpmpp_2m, from: 2))[1].state
    func refusal(_ state: DenoisingState, _ kind: SamplerKind = .dpmpp_2m, steps: Int = 8) throws -> String {
      var run = try run(kind, from: 2, steps: steps)
      do throws(DenoisingStateError) {
        try run.resume(from: state)
      } catch { return error.description }
      return "none"
    }
    func changed(
      step: Int = 4, draws: Int = 1, latent: Tensor? = nil, history: [String: Tensor]? = nil
    ) -> DenoisingState {
      DenoisingState(
        step: step, count: 8, draws: draws, latent: latent ?? state.latent, history: history ?? state.history)
    }
    let clean = try #require(state.history["clean"])
    #expect(try refusal(changed()) == "none")
    #expect(try refusal(state, steps: 9) == "count: expected 9 steps, found 8")
    #expect(try refusal(changed(step: 1)) == "step: expected 2 to 8, found 1")
    #expect(try refusal(changed(step: 9)) == "step: expected 2 to 8, found 9")
    #expect(try refusal(changed(draws: 0)) == "draws: expected 1 to 3, found 0")
    #expect(try refusal(changed(draws: 1 << 40)) == "draws: expected 1 to 3, found 1099511627776")
    #expect(try refusal(state, .euler) == "the sampler's history: expected none, found clean")
    #expect(
      try refusal(state, .unipc) == "the sampler's history: expected clean0, clean1, x0, x1, found clean")
    #expect(
      try refusal(changed(latent: state.latent[0..<1]))
        == "tensor \"latent\": expected shape [2, 3, 4, 4], found [1, 3, 4, 4]")
    #expect(
      try refusal(changed(history: ["clean": clean.to(.float64)]))
        == "tensor \"history.clean\": expected type float32, found float64")
    #expect(
      try refusal(changed(history: ["clean": clean * Double.infinity]))
        == "tensor \"history.clean\": expected finite values, found NaN or infinity")
  }

  @Test func tensorsOfAFileAreALatentAndAHistory() throws {
    let state = Array(try run(.unipc, from: 0))[3].state
    let same = try DenoisingState(step: 4, count: 8, draws: 1, tensors: state.tensors)
    #expect(same.history.mapValues { $0.bytes() } == state.history.mapValues { $0.bytes() })
    #expect(throws: DenoisingStateError.self) {
      try DenoisingState(step: 4, count: 8, draws: 1, tensors: Array(state.tensors.dropFirst()))
    }
    #expect(throws: DenoisingStateError.self) {
      try DenoisingState(step: 4, count: 8, draws: 1, tensors: state.tensors + [("other", state.latent)])
    }
  }
}
