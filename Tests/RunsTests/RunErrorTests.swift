import Testing

@testable import Runs

@Suite struct RunErrorTests {
  @Test func aNumberThatIsNotFiniteIsToldWithStepLayerAndBatch() {
    func sentence(_ layer: String?, _ examples: [String]) -> String {
      RunError.notFinite(step: 7, what: "diffusion loss", value: "nan", layer: layer, examples: examples).description
    }
    let end = "; the last checkpoint is kept, this step was not saved"
    #expect(sentence(nil, []) == "step 7: the diffusion loss is nan" + end)
    #expect(
      sentence("unet.conv_in.weight (Conv2d)", ["a", "b"])
        == "step 7: the diffusion loss is nan; first non-finite layer: unet.conv_in.weight (Conv2d); batch: a, b" + end)
  }

  @Test func longBatchesAreCutShort() {
    func batch(_ count: Int) -> String {
      let examples = (1...count).map { "i\($0)" }
      return RunError.notFinite(step: 0, what: "loss", value: "inf", layer: nil, examples: examples).description
    }
    #expect(batch(8).contains("batch: i1, i2, i3, i4, i5, i6, i7, i8; the last"))
    #expect(batch(11).contains("i7, i8 and 3 more; the last"))
  }

  @Test func otherSettingsAreListed() {
    #expect(
      RunError.otherPlan(folder: "runs/a", differences: ["seed 1 there, 2 here", "steps 5 there, 4 here"])
        .description == "runs/a holds a run with other settings (seed 1 there, 2 here; steps 5 there, 4 here): "
        + "continue it with the same options, or choose another --output")
  }

  @Test(arguments: [
    (RunError.inUse(folder: "r"), "another process trains in r: wait for it, or choose another --output"),
    (
      .otherVersion(folder: "r"),
      "r holds a run of an older Flux: continue it with the version that began it, or choose another --output"
    ),
    (.folder("r"), "the folder r cannot be created"),
    (.noLog("r/log.jsonl"), "r/log.jsonl does not exist or has no measurements: give the folder of a training run"),
  ])
  func theSentenceSaysWhatToDo(_ error: RunError, _ sentence: String) {
    #expect(error.description == sentence)
  }

  @Test func theEndOfARunIsToldInASentence() {
    #expect(TrainingRun.Outcome.finished.sentence(of: 40) == "all 40 steps are done")
    #expect(TrainingRun.Outcome.stopped(step: 0).sentence(of: 40) == "stopped before the first step: nothing to save")
    #expect(
      TrainingRun.Outcome.stopped(step: 7).sentence(of: 40)
        == "stopped and saved after step 7 of 40; the same command continues")
  }
}
