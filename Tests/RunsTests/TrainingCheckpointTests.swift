import Foundation
import TestSupport
import Testing

@testable import Runs

@Suite struct TrainingCheckpointTests {
  private static let plan = #"{"steps":200}"#

  @Test func aRecordSaysWhereARunStands() throws {
    let metadata = ["step": "120", "plan": Self.plan, "stageEnds": "80,90,200", "restarted": "20"]
    let record = try #require(TrainingCheckpoint.Record(metadata))
    #expect(record.step == 120 && record.steps == 200 && record.stageEnds == [80, 90, 200] && record.restarted == 20)
    let short = try #require(TrainingCheckpoint.Record(["step": "0", "plan": Self.plan]))
    #expect(short.step == 0 && short.stageEnds == nil && short.restarted == nil)
  }

  /// Each of these would be a step that no stage has, or a number that overflows on the way there.
  @Test(arguments: [
    ["step": "-1"], ["step": "201"], ["step": "9223372036854775807"], ["step": "1.5"], ["plan": "[]"], ["plan": "{}"],
    ["plan": #"{"steps":9223372036854775807}"#], ["stageEnds": "90,80,200"], ["stageEnds": "-9223372036854775808,200"],
    ["stageEnds": "80,x,200"], ["stageEnds": "80,90,201"], ["restarted": "121"], ["restarted": "-9223372036854775808"],
  ])
  func aRecordThatCannotBeTrueIsNone(change: [String: String]) {
    let metadata = ["step": "120", "plan": Self.plan].merging(change) { $1 }
    #expect(TrainingCheckpoint.Record(metadata) == nil)
  }

  @Test func filesThatAreNoCheckpointsAreLeftAloneAndNotRead() throws {
    try Project.inTemporaryFolder { folder in
      let others = ["checkpoint-notes.txt", "checkpoint-00000099.txt", "my-checkpoint-00000001"]
      for name in others { try Data("mine".utf8).write(to: folder.appendingPathComponent(name)) }
      for step in [5, 9, 10] {
        try TrainingCheckpoint.save(RandomWalk(), at: step, folder: folder, TrainingRun.Saving(kept: 1))
      }
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(Set(names) == Set(others + ["checkpoint-00000010"]))
      #expect(try TrainingCheckpoint.load(into: RandomWalk(), folder: folder)?.step == 10)
    }
  }

  @Test func aFolderWithoutCheckpointsIsANewRun() throws {
    try Project.inTemporaryFolder { folder in
      let walk = RandomWalk()
      let step = try TrainingCheckpoint.load(into: walk, folder: folder)?.step
      #expect(step == nil && walk.restarted == nil)
    }
  }
}
