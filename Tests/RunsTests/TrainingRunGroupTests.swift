import Distributed
import Foundation
import NN
import TestSupport
import Testing
import Torch

@testable import Runs

/// Threads stand for processes; only the first one gets to know the folder of the run.
@Suite struct TrainingRunGroupTests {
  /// A random walk without buffers, which a group does not share.
  private final class Walk: TrainingLoop {
    struct Plan: Codable { var steps: Int }
    let plan: Plan
    let group: ProcessGroup
    let point = Tensor.zeros([4])
    let velocity = Tensor.zeros([4])
    var restarted: Int?
    var isLonger: Bool?
    let onWarning: (String) -> Void = { _ in }
    /// The step in which this process computes another number than the others.
    var drift: Int?

    init(steps: Int = 10, in group: ProcessGroup = .single) { (plan, self.group) = (Plan(steps: steps), group) }

    var identity: PlanIdentity { PlanIdentity(plan) }
    var stepCount: Int { plan.steps }
    var restartSteps: Int { 4 }
    var weights: [NamedTensor] { [("point", point)] }
    var moments: [NamedTensor] { [("velocity", velocity)] }
    func stage(at step: Int) -> String { "walk" }
    func follow(_ record: TrainingCheckpoint.Record, isLonger: Bool) { self.isLonger = isLonger }
    func takeStep(_ step: Int) -> [String: Double] {
      let push = Tensor.randn([4], generator: Generator(seed: UInt64(step)))
      velocity.copy_(velocity * 0.9 + push)
      point.copy_(point + velocity * restartShare(at: step) + (step == drift ? 0.1 : 0))
      return ["distance": point.square().sum().item()]
    }
    func saveModel(in folder: URL) throws { try Data(point.bytes()).write(to: folder.appendingPathComponent("point")) }
  }

  private static func folder(_ base: URL, _ group: ProcessGroup) -> URL {
    group.isFirst ? base : URL(fileURLWithPath: "/nonexistent/run")
  }

  /// With two processes, then one, then three: as if there had never been but one.
  @Test func aRunContinuesWithAnotherNumberOfProcesses() throws {
    try Project.inTemporaryFolder { base in
      @Sendable func run(in group: ProcessGroup, until stop: Int) throws -> [UInt8] {
        let walk = Walk(in: group)
        let run = TrainingRun(walk, in: Self.folder(base, group), saving: TrainingRun.Saving(every: 3))
        let outcome = try run.run { _ in run.stepsDone >= stop }
        #expect(outcome == (stop < 10 ? .stopped(step: stop) : .finished))
        return walk.point.bytes() + walk.velocity.bytes()
      }
      for (count, stop) in [(2, 4), (1, 5), (3, 8)] {
        let states = try ThreadGroup.values(count) { try run(in: $0, until: stop) }
        #expect(Set(states).count == 1)
      }
      let last = try ThreadGroup.values(2) { try run(in: $0, until: .max) }
      let whole = Walk()
      for step in 0..<10 { _ = whole.takeStep(step) }
      #expect(last[0] == whole.point.bytes() + whole.velocity.bytes() && last[1] == last[0])
      #expect(try [UInt8](Data(contentsOf: base.appendingPathComponent("point"))) == whole.point.bytes())
      let log = try String(contentsOf: base.appendingPathComponent("log.jsonl"), encoding: .utf8)
      #expect(log.components(separatedBy: "continues after step 8").count == 2)
    }
  }

  @Test func allProcessesKnowThatARunIsLonger() throws {
    try Project.inTemporaryFolder { base in
      _ = try TrainingRun(Walk(steps: 4), in: base).run()
      let walks = try ThreadGroup.values(2) { group in
        let walk = Walk(steps: 9, in: group)
        let run = TrainingRun(walk, in: Self.folder(base, group))
        _ = try run.run { _ in run.stepsDone >= 6 }
        return (restarted: walk.restarted, isLonger: walk.isLonger, state: walk.point.bytes())
      }
      #expect(walks[0].restarted == 4 && walks[1].restarted == 4 && walks[1].isLonger == true)
      #expect(walks[0].state == walks[1].state)
    }
  }

  /// A signal may reach one of them only.
  @Test func aRequestToOneProcessStopsAll() throws {
    try Project.inTemporaryFolder { base in
      let outcomes = try ThreadGroup.values(3) { group in
        let run = TrainingRun(Walk(in: group), in: Self.folder(base, group))
        return try run.run { _ in group.rank == 2 && run.stepsDone >= 5 }
      }
      #expect(outcomes == [.stopped(step: 5), .stopped(step: 5), .stopped(step: 5)])
    }
  }

  @Test func weightsThatDifferAreNotSaved() throws {
    try Project.inTemporaryFolder { base in
      let results = ThreadGroup.run(3) { group in
        let walk = Walk(in: group)
        if group.rank == 1 { walk.drift = 4 }
        return try TrainingRun(walk, in: Self.folder(base, group), saving: TrainingRun.Saving(every: 3)).run()
      }
      let errors = results.map { result -> String in
        if case .failure(let error) = result { return "\(error)" }
        return ""
      }
      #expect(errors[0].hasPrefix("step 6: the weights of process 2 are not those of process 1"), "\(errors)")
      #expect(errors[1] == "process 1 reports an error that ended the run" && errors[2] == errors[1])
      let names = try FileManager.default.contentsOfDirectory(atPath: base.path)
      #expect(names.filter { $0.hasPrefix("checkpoint") } == ["checkpoint-00000003"])
    }
  }

  @Test func aFolderThatCannotBeUsedStopsAll() throws {
    try Project.inTemporaryFolder { base in
      _ = try TrainingRun(Walk(steps: 4), in: base).run()
      let results = ThreadGroup.run(2) { group in
        try TrainingRun(Walk(steps: 3, in: group), in: Self.folder(base, group)).run()
      }
      #expect(throws: SharedError.self) { try results[0].get() }
      #expect(throws: ProcessGroupError.elsewhere(0)) { try results[1].get() }
    }
  }
}
