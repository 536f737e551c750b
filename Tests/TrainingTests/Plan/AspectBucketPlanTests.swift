import Flux
import Testing

@testable import Runs
@testable import Training

@Suite struct AspectBucketPlanTests {
  private func sentence(_ change: (inout TrainingPlan) throws -> Void) throws -> String? {
    var plan = TrainingPlan(preset: .tiny, start: ModelSource(name: "start", hash: "1"))
    (plan.hasObjectLabels, plan.aspectBuckets) = (false, true)
    try change(&plan)
    do throws(TrainingError) {
      try plan.checkAspectBuckets()
      return nil
    } catch { return error.description }
  }

  @Test func whatNeedsSquaresIsRefused() throws {
    #expect(try sentence { _ in } == nil)
    #expect(try sentence { $0.hasObjectLabels = true }?.hasPrefix("--aspect-buckets needs images of your own") == true)
    #expect(try sentence { try $0.keep([.joint, .diffusion]) }?.contains("remove --stages") == true)
    #expect(try sentence { $0.regularization = TrainingPlan.Regularization(.scenes(.small)) } == nil)
    #expect(try sentence { ($0.hasObjectLabels, $0.aspectBuckets) = (true, nil) } == nil)
  }

  @Test func plansWithoutTheSettingKeepTheirIdentity() throws {
    var plan = TrainingPlan(preset: .tiny, steps: 20)
    #expect(!(try PlanIdentity(plan).json()).contains("aspectBuckets"))
    let stored = try #require(PlanIdentity(json: try PlanIdentity(plan).json()))
    plan.aspectBuckets = true
    let differences = PlanIdentity(plan).differences(from: stored)
    #expect(differences.count == 1 && differences[0].hasPrefix("aspectBuckets none there, "), "\(differences)")
  }

  /// Two levels of the U-Net halve the latent once.
  @Test func sidesAreMultiplesOfTheCellsOfTheCoarsestLevel() {
    let plan = TrainingPlan(preset: .mini)
    #expect(plan.buckets.side == 8 && plan.buckets.multiple == 2)
    let base = TrainingPlan(preset: .base)
    let levels = base.configuration.unet.blockOutChannels.count
    #expect(base.buckets.side == 16 && base.buckets.multiple == 1 << (levels - 1))
  }
}
