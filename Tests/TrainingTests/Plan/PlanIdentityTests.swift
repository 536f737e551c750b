import Testing

@testable import Runs
@testable import Training

@Suite struct PlanIdentityTests {
  @Test func equalPlansAreEqualAndOthersNameWhatDiffers() throws {
    let plan = TrainingPlan(preset: .tiny, steps: 20, seed: 3)
    let stored = try #require(PlanIdentity(json: try PlanIdentity(plan).json()))
    #expect(PlanIdentity(plan).differences(from: stored).isEmpty)
    var other = plan
    (other.seed, other.minSNR, other.lossType) = (5, 5, .l1)
    #expect(
      PlanIdentity(other).differences(from: stored) == [
        "lossType l2 there, l1 here", "minSNR none there, 5 here", "seed 3 there, 5 here",
      ])
  }

  @Test func aLimitThatIsOffReadsAsNone() throws {
    var plan = TrainingPlan(preset: .tiny, steps: 20)
    plan.maxGradNorm = 1
    let stored = try #require(PlanIdentity(json: try PlanIdentity(plan).json()))
    plan.maxGradNorm = .greatestFiniteMagnitude
    #expect(PlanIdentity(plan).differences(from: stored) == ["maxGradNorm 1 there, no limit here"])
    let unlimited = try #require(PlanIdentity(json: try PlanIdentity(plan).json()))
    #expect(PlanIdentity(plan).differences(from: unlimited).isEmpty)
  }

  @Test func aSettingThatCameLaterIsNoDifferenceWhereItChangesNothing() throws {
    let plan = TrainingPlan(preset: .tiny, steps: 20)
    let json = try PlanIdentity(plan).json().replacing(/"lateLoss":1,?/, with: "")
    #expect(!json.contains("lateLoss"))
    let stored = try #require(PlanIdentity(json: json))
    #expect(PlanIdentity(plan).differences(from: stored).isEmpty)
    var late = plan
    late.lateLoss = 0.5
    #expect(PlanIdentity(late).differences(from: stored) == ["lateLoss 1 there, 0.5 here"])
  }

  @Test func plansOfEarlierVersionsAreRead() throws {
    var plan = TrainingPlan(preset: .tiny, steps: 20)
    plan.cooldownLossType = .huber
    var json = try PlanIdentity(plan).json()
    for (new, old) in [
      ("hasObjectLabels", "knowsObjects"), ("reinitialize", "anew"), ("emaSigmas", "averages"),
      ("autoencoderLearningRate", "autoencoderRate"), ("diffusionLearningRate", "diffusionRate"),
      ("beta2", "secondBeta"), ("maxGradNorm", "gradientLimit"), ("lossType", "distance"),
      ("cooldownLossType", "lastDistance"), ("uniformTimesteps", "evenTimes"),
    ] {
      #expect(json.contains("\"\(new)\""))
      json = json.replacing("\"\(new)\"", with: "\"\(old)\"")
    }
    #expect(PlanIdentity(plan).differences(from: try #require(PlanIdentity(json: json))).isEmpty)
  }

  /// A difference far behind in a long text counts, and is not printed.
  @Test func longTextsAreComparedInFullAndShownInPart() throws {
    let (one, other) = (String(repeating: "a cat\n", count: 1000), String(repeating: "a cat\n", count: 1001))
    let stored = try #require(PlanIdentity(json: try PlanIdentity(["captions": one]).json()))
    #expect(PlanIdentity(["captions": one]).differences(from: stored).isEmpty)
    let differences = PlanIdentity(["captions": other]).differences(from: stored)
    #expect(differences.count == 1 && differences[0].count < 200, "\(differences)")
  }

  @Test func everySettingOfAPlanIsCompared() throws {
    // A new field that is forgotten in the coding keys would let other settings continue a run.
    let plan = TrainingPlan(preset: .midi, steps: 20)
    let json = try PlanIdentity(plan).json()
    for child in Mirror(reflecting: plan).children {
      guard let name = child.label, name != "stageEnds" else { continue }
      if case Optional<Any>.none = child.value { continue }
      let isMissing = Mirror(reflecting: child.value).displayStyle == .optional && "\(child.value)" == "nil"
      #expect(json.contains("\"\(name)\"") || isMissing, "\(name)")
    }
  }

  @Test func whatOnlyOneOfTwoPlansHasIsNoneInTheOther() throws {
    let here = PlanIdentity(TrainingPlan(preset: .tiny, steps: 20))
    let stored = try #require(PlanIdentity(json: try here.json().replacing(/"seed":0/, with: #""sead":0"#)))
    #expect(here.differences(from: stored) == ["sead 0 there, none here", "seed none there, 0 here"])
  }

  @Test func stagesAreComparedWhateverTheirOrder() throws {
    var plan = TrainingPlan(preset: .tiny, steps: 20)
    let stored = try #require(PlanIdentity(json: try PlanIdentity(plan).json()))
    plan.parts = plan.parts.filter { $0.key != .joint }.merging(plan.parts) { $1 }
    #expect(PlanIdentity(plan).differences(from: stored).isEmpty)
    plan.parts[.autoencoder]?.batch = 99
    let batch = try #require(TrainingPlan(preset: .tiny, steps: 20).parts[.autoencoder]?.batch)
    #expect(PlanIdentity(plan).differences(from: stored) == ["parts.autoencoder.batch \(batch) there, 99 here"])
    plan.lora = .init(rank: 4)
    #expect(PlanIdentity(plan).differences(from: stored).first?.hasPrefix("lora none there, {") == true)
  }

  @Test func theModelToStartFromIsASetting() throws {
    let stored = try #require(PlanIdentity(json: try PlanIdentity(TrainingPlan(preset: .tiny, steps: 20)).json()))
    var plan = TrainingPlan(preset: .tiny, steps: 20)
    plan.start = "abc"
    #expect(PlanIdentity(plan).differences(from: stored) == ["start none there, abc here"])
  }

  @Test(arguments: ["", "[]", "7", "{", "null"]) func whatIsNoObjectIsNoPlan(_ json: String) {
    #expect(PlanIdentity(json: json) == nil)
  }

  @Test func theNumberOfStepsIsReadWhereItIsOne() {
    #expect(PlanIdentity(TrainingPlan(preset: .tiny, steps: 20)).steps == 20)
    #expect(PlanIdentity(json: "{\"steps\": 7}")?.steps == 7)
    #expect(PlanIdentity(json: "{\"steps\": \"7\"}")?.steps == nil && PlanIdentity(json: "{}")?.steps == nil)
  }

  @Test func plansOfDistillationsAreComparedTheSameWay() throws {
    var plan = DistillationPlan(modelHash: "ab", captions: "three")
    let stored = try #require(PlanIdentity(json: try PlanIdentity(plan).json()))
    (plan.rank, plan.captions) = (8, "four")
    #expect(
      PlanIdentity(plan).differences(from: stored) == ["captions three there, four here", "rank 32 there, 8 here"])
  }
}
