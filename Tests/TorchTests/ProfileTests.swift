import Testing
import Torch

@Suite("A profile", .serialized) struct ProfileTests {
  @Test("counts what ran, with its own time") func counts() {
    let x = Tensor.ones([64, 64])
    let (result, profile) = Profile.of(.cpu) { (0..<3).reduce(x) { y, _ in y.matmul(x) } }
    #expect(result.shape == [64, 64])
    let products = profile.rows.filter { $0.name == "aten::mm" }
    #expect(products.map(\.calls) == [3] && products.allSatisfy { $0.isOnCPU && $0.seconds > 0 })
    let own = profile.rows.reduce(0) { $0 + $1.seconds }
    #expect(own <= profile.seconds, "an operation's time counts once, not again in those around it")
    #expect(profile.rows.map(\.seconds) == profile.rows.map(\.seconds).sorted(by: >))
  }

  @Test("as a table has the longest rows of each device, per step") func table() {
    let profile = Profile.of(.cpu) { for _ in 0..<4 { _ = Tensor.ones([8]).exp() } }.profile
    let lines = profile.table(steps: 4, count: 100).split(separator: "\n")
    #expect(lines.first == "CPU: ms a step, %, calls a step", "there is no other device")
    #expect(lines.filter { $0.hasSuffix(" 1.0  aten::exp") }.count == 1)
    #expect(profile.table(steps: 4, count: 1).split(separator: "\n").count == 3)
  }

  @Test("ends with an error of what is profiled, and another may follow") func errors() throws {
    struct Fault: Error {}
    #expect(throws: Fault.self) { _ = try Profile.of(.cpu) { throw Fault() } }
    let after = Profile.of(.cpu) { _ = Tensor.ones([8]).exp() }.profile
    #expect(after.rows.contains { $0.name == "aten::exp" && $0.calls == 1 })
  }
}
