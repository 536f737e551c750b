import Distributed
import Foundation
import NN
import Support
import Torch

// What several processes do together: process 0 reads and writes, and the others follow it.

extension TrainingRun {
  /// Continues from the newest intact checkpoint of the folder; returns the steps that are done.
  ///
  /// Process 0 reads it. The others need not see the folder: they get weights and optimizer state from process 0, also
  /// those of a new run, so that all begin with the same bits.
  func restore() throws -> Int {
    let group = loop.group
    let loaded = try group.together { group.isFirst ? try TrainingCheckpoint.load(into: loop, folder: folder) : nil }
    if group.count == 1 { return loaded?.step ?? 0 }
    let message = group.broadcast(try group.together { [UInt8](try JSONEncoder().encode(loaded)) })
    let known = try group.together {
      try JSONDecoder().decode(TrainingCheckpoint.Loaded?.self, from: Data(message))
    }
    if let known, !group.isFirst, let record = TrainingCheckpoint.Record(known.metadata) {
      loop.restarted = known.restarted
      loop.follow(record, isLonger: known.isLonger)
    }
    group.broadcast((loop.weights + loop.moments).map(\.tensor))
    return known?.step ?? 0
  }

  /// Throws if the processes have different weights after a step, as where two machines round differently.
  func checkEqualWeights(after step: Int) throws {
    let group = loop.group
    if group.count == 1 { return }
    var hash = SHA256()
    for (_, tensor) in loop.weights { tensor.bytes().withUnsafeBytes { hash.update($0) } }
    let digests = group.gathered(Array(hash.hexDigest().utf8))
    let others = digests.indices.filter { digests[$0] != digests[0] }
    if !others.isEmpty { throw group.failure(RunError.otherWeights(step: step, ranks: others)) }
  }
}
