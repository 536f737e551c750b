import Foundation
import NN
import Runs
import Support
import Torch

/// The smallest training loop: a point with momentum that is pushed at random and drawn to where it was lately.
final class RandomWalk: TrainingLoop {
  struct Plan: Codable {
    var steps = 10
    var seed: UInt64 = 1
  }

  let plan: Plan
  let point = Tensor.zeros([4])
  let velocity = Tensor.zeros([4])
  private(set) var recent: [Tensor] = []  // at most three, a buffer that grows
  var restarted: Int?
  private(set) var warnings: [String] = []
  private(set) var onWarning: (String) -> Void = { _ in }
  /// Steps before which the loop says that it was stopped while it prepared.
  var unready: Set<Int> = []
  /// What `check` throws.
  var fault: (any Error)?

  init(_ plan: Plan = Plan()) {
    self.plan = plan
    onWarning = { [unowned self] in warnings.append($0) }
  }

  var identity: PlanIdentity { PlanIdentity(plan) }
  var stepCount: Int { plan.steps }
  var restartSteps: Int { 4 }
  var weights: [NamedTensor] { [("point", point)] }
  var moments: [NamedTensor] { [("velocity", velocity)] }
  var buffers: [NamedTensor] { recent.enumerated().map { ("recent.\($0)", $1) } }
  var olderKeys: [String: String] { ["point": "place"] }

  func check(at step: Int) throws {
    if let fault { throw fault }
  }

  func resume(_ checkpoint: TrainingCheckpoint.Contents) throws {
    let count = checkpoint.tensors.keys.filter { $0.hasPrefix("recent.") }.count
    recent = try (0..<count).map { try checkpoint.tensors.tensor("recent.\($0)") }
  }

  func stage(at step: Int) -> String { "walk" }

  func isReady(for step: Int, unless shouldStop: () -> Bool) -> Bool { !unready.contains(step) }

  func takeStep(_ step: Int) -> [String: Double] {
    let push = Tensor.randn([4], generator: Generator(seed: plan.seed &* 1000 &+ UInt64(step)))
    velocity.copy_(velocity * 0.9 + push)
    let pull = recent.reduce(Tensor.zeros([4])) { $0 + $1 } * 0.1
    point.copy_(point + velocity * restartShare(at: step) - pull)
    recent = (recent + [point.clone()]).suffix(3)
    return ["distance": point.square().sum().item()]
  }

  func saveModel(in folder: URL) throws {
    try AtomicFile.write(point.bytes(), to: folder.appendingPathComponent("point"))
  }
}
