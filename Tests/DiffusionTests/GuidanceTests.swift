import Diffusion
import TestSupport
import Testing
import Torch

@Suite struct GuidanceTests {
  /// Counts forward passes and rows, and answers with each branch's own function of x.
  final class Recorder {
    var rows: [Int] = []

    func network(_ x: Tensor, _ time: DiffusionTime, _ branches: [Branch]) -> Tensor {
      rows.append(x.shape[0])
      let parts = zip(x.chunked(branches.count, dim: 0), branches).map { part, branch in
        branch == .conditional ? part * 0.5 + 0.3 : part * 0.4 - 0.1
      }
      return Tensor.cat(parts, dim: 0)
    }
  }

  let x = Tensor.randn([2, 3, 4, 4], generator: Generator(seed: 1))
  let halfWay = DiffusionTime(timestep: 500, noiseLevel: 1)

  @Test func scaleOneIsNoGuidanceAndAsksOnce() {
    let recorder = Recorder()
    let guided = Guidance(scale: 1)(recorder.network)
    #expect(guided(x, halfWay).bytes() == recorder.network(x, halfWay, [.conditional]).bytes())
    #expect(recorder.rows == [2, 2])
  }

  @Test func bothBranchesAreOneForwardPass() {
    let recorder = Recorder()
    let guided = Guidance(scale: 3)(recorder.network)(x, halfWay)
    #expect(recorder.rows == [4])
    let (conditional, unconditional) = (x * 0.5 + 0.3, x * 0.4 - 0.1)
    expectClose(guided, unconditional + (conditional - unconditional) * 3, atol: 1e-6)
  }

  @Test func scaleZeroIsTheUnconditionalBranch() {
    expectClose(Guidance(scale: 0)(Recorder().network)(x, halfWay), x * 0.4 - 0.1, atol: 1e-6)
  }

  @Test func outsideTheIntervalTheSecondBranchIsNotComputed() {
    let recorder = Recorder()
    let guided = Guidance(scale: 3, interval: 0.3...8)(recorder.network)
    for level in [0.29, 0.3, 1, 8, 8.1] { _ = guided(x, DiffusionTime(timestep: 0, noiseLevel: level)) }
    #expect(recorder.rows == [2, 4, 4, 4, 2])
  }

  @Test func rescalingGivesEachImageThePromptsOwnContrast() {
    let conditional = Tensor.randn([2, 3, 4, 4], generator: Generator(seed: 2))
    let unconditional = Tensor.randn([2, 3, 4, 4], generator: Generator(seed: 3))
    let full = Guidance(scale: 7, rescale: 1).combine(unconditional: unconditional, conditional: conditional)
    expectClose(full.std([1, 2, 3]), conditional.std([1, 2, 3]), atol: 1e-5)
    let none = Guidance(scale: 7).combine(unconditional: unconditional, conditional: conditional)
    let part = Guidance(scale: 7, rescale: 0.7).combine(
      unconditional: unconditional, conditional: conditional)
    expectClose(part, full * 0.7 + none * 0.3, atol: 1e-5)
  }
}
