import Distributed
import Runs
import Support

// Plans that several processes follow together.

extension TrainingPlan {
  /// Throws in all processes unless all have this plan, and can share its batches equally.
  public func check(sharedBy group: ProcessGroup) throws {
    if group.count == 1 { return }
    let digest = try group.together { SHA256.hexDigest(Array(try PlanIdentity(self).json().utf8)) }
    let digests = group.gathered(Array(digest.utf8))
    let others = digests.indices.filter { digests[$0] != digests[0] }
    if !others.isEmpty { throw group.failure(TrainingError.otherPlans(others.map { $0 + 1 })) }
    do throws(TrainingError) {
      try checkShares(processes: group.count)
    } catch { throw group.failure(error) }
  }

  /// Throws unless `processes` processes can share the micro-batches of every stage equally.
  func checkShares(processes: Int) throws(TrainingError) {
    for stage in Stage.allCases where !range(of: stage).isEmpty {
      // Crops for super-resolution and full-size images for the decoder are not split into micro-batches.
      let accumulation = [.superResolution, .decoder].contains(stage) ? 1 : accumulation
      let batch = batch(of: stage)
      if !batch.isMultiple(of: processes * accumulation) {
        throw .unequalShares(stage, batch: batch, processes: processes, accumulation: accumulation)
      }
    }
  }
}
