import Optimizers
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct DeferredMetricsTests {
  @Test func partsOfAStepAreWeightedByTheirShare() {
    let metrics = DeferredMetrics()
    metrics.add("loss", Tensor(1), weight: 0.25)
    metrics.add("loss", Tensor(2), weight: 0.75)
    metrics.add("norm", Tensor(8), weight: 1)
    #expect(metrics.means() == ["loss": 1.75, "norm": 8])
  }

  @Test func stepsAreAveragedUntilTheyAreRead() {
    let metrics = DeferredMetrics()
    for value in [1.0, 2, 6] { metrics.add("loss", Tensor(value), weight: 1) }
    metrics.add("rare", Tensor(4), weight: 1)  // in one of three steps
    #expect(metrics.means() == ["loss": 3, "rare": 4])
    #expect(metrics.means().isEmpty)
    metrics.add("loss", Tensor(5), weight: 1)
    #expect(metrics.means() == ["loss": 5])
  }

  @Test func whatIsKeptIsOutsideTheGraph() {
    let metrics = DeferredMetrics()
    let weight = Tensor.ones([2])
    weight.requiresGrad = true
    metrics.add("loss", (weight * 3).sum(), weight: 1)
    metrics.watch(loss: (weight * 3).sum(), 0, "loss")
    #expect(metrics.means() == ["loss": 6] && metrics.firstFault() == nil && weight.grad == nil)
  }

  @Test func theFirstFaultIsToldOnce() throws {
    let metrics = DeferredMetrics()
    #expect(metrics.firstFault() == nil)
    metrics.watch(loss: Tensor(1), 4, "autoencoder loss")
    metrics.watch(loss: Tensor(Double.infinity), 5, "diffusion loss")
    metrics.watch(loss: Tensor(Double.nan), 6, "diffusion loss")
    let fault = try #require(metrics.firstFault())
    #expect(fault.step == 5 && fault.what == "diffusion loss" && fault.value == .infinity)
    #expect(metrics.firstFault() == nil)
  }

  private func optimizer(_ weight: Tensor) -> Optimizer {
    Optimizer([AdamW([("w", weight)], weightDecay: 0)], maxGradNorm: 1)
  }

  @Test func anUpdateIsSkippedForALossThatIsNotFiniteAndForThatStepAlone() throws {
    let metrics = DeferredMetrics()
    let weight = Tensor.ones([3])
    weight.requiresGrad = true
    let optimizer = optimizer(weight)
    for (step, value) in [(1, Double.nan), (2, 1)] {
      metrics.watch(loss: Tensor(value), step, "loss")
      (weight * 2).sum().backward()
      let norm = metrics.update(optimizer, 0.1, step, "loss")
      #expect(abs(norm.item() - 12.0.squareRoot()) < 1e-5)
      expectClose(weight, Tensor.full([3], step == 1 ? 1 : 0.9), atol: 1e-5)
      #expect(weight.grad == nil)
    }
    #expect(try #require(metrics.firstFault()).step == 1)
  }

  @Test func aGradientThatIsNotFiniteIsToldAsOne() throws {
    let metrics = DeferredMetrics()
    let weight = Tensor.ones([2])
    weight.requiresGrad = true
    (weight * Tensor([1, .infinity] as [Float])).sum().backward()
    metrics.watch(loss: Tensor(0.5), 3, "decoder loss")
    _ = metrics.update(optimizer(weight), 0.1, 3, "decoder loss")
    let fault = try #require(metrics.firstFault())
    #expect(fault.step == 3 && fault.what == "gradient of the decoder loss" && !fault.value.isFinite)
    #expect(weight.floats() == [1, 1])
  }
}
