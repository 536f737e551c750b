import Testing
import Torch

@Suite struct AutogradTests {
  @Test func gradientsAreAnnouncedUntilThatIsEnded() {
    let (x, y) = (Tensor([1, 2] as [Float]), Tensor([3, 4] as [Float]))
    for tensor in [x, y] { tensor.requiresGrad = true }
    var announced: [String] = []
    x.onGradient { announced.append("x \(x.grad?.floats() ?? [])") }
    y.onGradient { announced.append("y") }
    (x * y).sum().backward()
    #expect(announced.sorted() == ["x [3.0, 4.0]", "y"])
    y.onGradient { announced.append("other y") }  // in place of the first
    x.onGradient(nil)
    (x * y).sum().backward()
    #expect(announced.last == "other y" && announced.count == 3)
  }
}
