import Diffusion
import Foundation
import Support
import TestSupport
import Testing

/// The files of other programs: what they mean, what is refused, and that Flux's own stay as they are.
@Suite struct ScheduleFileTests {
  /// As Stable Diffusion 1.5 has it, which names neither spacing nor prediction.
  static let stable1 = """
    {"_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012, "beta_schedule": "scaled_linear",
     "beta_start": 0.00085, "num_train_timesteps": 1000, "set_alpha_to_one": false, "skip_prk_steps": true,
     "steps_offset": 1, "trained_betas": null, "clip_sample": false}
    """
  /// As SDXL has it, with fields of other classes.
  static let xl = """
    {"_class_name": "EulerDiscreteScheduler", "_diffusers_version": "0.19.0.dev0", "beta_end": 0.012,
     "beta_schedule": "scaled_linear", "beta_start": 0.00085, "clip_sample": false, "interpolation_type": "linear",
     "num_train_timesteps": 1000, "prediction_type": "epsilon", "sample_max_value": 1.0, "set_alpha_to_one": false,
     "skip_prk_steps": true, "steps_offset": 1, "timestep_spacing": "leading", "trained_betas": null,
     "use_karras_sigmas": false}
    """

  private func read(_ text: String) throws -> Schedule.Configuration { try ScheduleGoldenTests.configuration(text) }

  private func refusal(_ field: String, in text: String = xl) throws -> String {
    let changed = text.replacingOccurrences(of: "{\"_class_name\"", with: "{\(field), \"_class_name\"")
    do {
      _ = try read(changed)
      return "none"
    } catch { return "\(error)".components(separatedBy: "scheduler_config.json: ").last ?? "" }
  }

  @Test func aFileThatNamesLittleHasTheDefaultsOfItsClass() throws {
    let configuration = try read(Self.stable1)
    #expect(configuration.scheduler == .pndm && configuration.sampler == .ddim)
    #expect(configuration.predictionType == .epsilon && configuration.spacing(for: .dpmpp_2m) == .leading)
    #expect(configuration.cleanRange(own: -6...6) == nil)
    let grid = try TimeGrid(Schedule(configuration), kind: .ddim, steps: 4)
    #expect(grid.times.map(\.timestep) == [751, 501, 251, 1, 0])
    #expect(abs(grid.times[4].sigma * grid.times[4].sigma - 0.00085) < 1e-12, "it ends at the first timestep's noise")
    #expect(try TimeGrid(Schedule(configuration), kind: .euler, steps: 4).times.last == .clean)
    #expect(
      try read(Self.stable1.replacingOccurrences(of: "PNDM", with: "EulerAncestralDiscrete")).timestepSpacing
        == .linspace)
  }

  @Test func aSpacingThatIsAskedForGoesBeforeTheFiles() throws {
    let schedule = Schedule(try read(Self.xl))
    #expect(try TimeGrid(schedule, kind: .euler, steps: 4).times[0].timestep == 751)
    #expect(try TimeGrid(schedule, kind: .euler, steps: 4, spacing: .trailing).times[0].timestep == 999)
    let karras = try read(Self.xl.replacingOccurrences(of: "karras_sigmas\": false", with: "karras_sigmas\": true"))
    #expect(karras.spacing(for: .euler) == .karras && karras.spacing(for: .ddim) == .leading)
    #expect(karras.spacing(for: .lcm) == nil)
  }

  @Test func samplesAreClampedWhereTheFileSaysSo() throws {
    let ddim = #"{"_class_name": "DDIMScheduler", "_diffusers_version": "0.42.1"}"#
    #expect(try read(ddim).cleanRange(own: nil) == -1...1, "the default of the class")
    let range = ddim.replacingOccurrences(of: "}", with: #", "clip_sample_range": 2.5}"#)
    #expect(try read(range).cleanRange(own: nil) == -2.5...2.5)
    let euler = range.replacingOccurrences(of: "DDIM", with: "EulerDiscrete")
    #expect(try read(euler).cleanRange(own: -6...6) == nil, "Euler's method clamps nothing")
    let own = Schedule.Configuration(betaSchedule: .cosine, predictionType: .v)
    #expect(own.cleanRange(own: -6...6) == -6...6)
  }

  @Test func filesOfFluxStayAsTheyAre() throws {
    try Project.inTemporaryFolder { folder in
      let source = Project.root.appendingPathComponent("models/midi/scheduler/scheduler_config.json")
      let copy = folder.appendingPathComponent("scheduler_config.json")
      let configuration: Schedule.Configuration = try JSONFile.read(source)
      #expect(configuration == Schedule.Configuration(betaSchedule: .cosine, predictionType: .v))
      try JSONFile.write(configuration, className: "DDPMScheduler", to: copy)
      #expect(try Data(contentsOf: copy) == Data(contentsOf: source))
    }
  }

  @Test func whatIsReadIsWrittenAndReadAgain() throws {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("scheduler_config.json")
      for text in [Self.stable1, Self.xl] {
        let configuration = try read(text)
        try JSONFile.write(configuration, className: configuration.scheduler?.rawValue, to: file)
        #expect(try JSONFile.read(file) == configuration)
      }
    }
  }

  @Test(arguments: [
    ("\"thresholding\": true", "thresholding is true, expected false, the only value that Flux supports"),
    ("\"use_beta_sigmas\": true", "use_beta_sigmas is true, expected false, the only value that Flux supports"),
    ("\"use_flow_sigmas\": true", "use_flow_sigmas is true, expected false, the only value that Flux supports"),
    (
      "\"timestep_type\": \"continuous\"",
      "timestep_type is \"continuous\", expected \"discrete\", the only value that Flux supports"
    ),
    ("\"sigma_max\": 80", "sigma_max is 80, expected null, the only value that Flux supports"),
    ("\"timestep_scaling\": 1", "timestep_scaling is 1, expected 10, the only value that Flux supports"),
    (
      "\"variance_type\": \"learned_range\"",
      "variance_type is \"learned_range\", expected \"fixed_small\", the only value that Flux supports"
    ),
    ("\"original_inference_steps\": 0", "original_inference_steps is 0, expected 1 to 1000"),
    ("\"final_sigmas_type\": \"max\"", "final_sigmas_type is \"max\", expected one of \"zero\", \"sigma_min\""),
    ("\"clip_sample_range\": 0", "clip_sample_range is 0.0, expected 1e-09 to 1000000000.0"),
    (
      "\"rescale_betas_zero_snr\": true",
      "rescale_betas_zero_snr is true, expected false, since prediction_type is epsilon: where no signal is left, the noise says nothing about it"
    ),
  ])
  func whatCannotBeHonoredIsRefusedByName(_ field: String, _ sentence: String) throws {
    #expect(try refusal(field) == sentence)
  }

  @Test func otherWordsAndNumbersOfTheFileAreRefusedByName() throws {
    func changed(_ old: String, _ new: String) throws -> String {
      try refusal("\"x\": 1", in: Self.xl.replacingOccurrences(of: old, with: new))
    }
    #expect(
      try changed("\"interpolation_type\": \"linear\"", "\"interpolation_type\": \"log_linear\"")
        == "interpolation_type is \"log_linear\", expected \"linear\", the only value that Flux supports")
    #expect(try changed("\"steps_offset\": 1", "\"steps_offset\": 1000") == "steps_offset is 1000, expected 0 to 999")
    #expect(
      try changed("\"leading\"", "\"karras\"")
        == "timestep_spacing is \"karras\", expected one of \"leading\", \"trailing\", \"linspace\"")
    #expect(
      try changed("EulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler")
        .hasPrefix("_class_name is \"FlowMatchEulerDiscreteScheduler\", expected one of \"DDPMScheduler\", "))
    #expect(
      try changed("\"trained_betas\": null", "\"trained_betas\": [0.1, 0.2]")
        == "trained_betas is a list of 2, expected 1000, one for each entry of num_train_timesteps")
  }

  @Test func fieldsThatChooseAnAlgorithmAreReadOver() throws {
    #expect(
      try refusal(#""solver_order": 3, "algorithm_type": "sde-dpmsolver++", "dynamic_thresholding_ratio": 0.995"#)
        == "none")
  }

  @Test func zeroTerminalSNREndsWithoutSignal() throws {
    let text = Self.xl.replacingOccurrences(
      of: "\"epsilon\"", with: "\"v_prediction\", \"rescale_betas_zero_snr\": true")
    let schedule = Schedule(try read(text))
    #expect(schedule.alphasCumprod[999] == 0 && abs(schedule.alphasCumprod[0] - (1 - 0.00085)) < 1e-12)
    #expect(schedule.betas[999] == 1 && schedule.alphasCumprod == schedule.alphasCumprod.sorted(by: >))
    #expect(try TimeGrid(schedule, kind: .ddim, steps: 4, spacing: .trailing).times[0].alpha == 0)
    let euler = try TimeGrid(schedule, kind: .euler, steps: 4, spacing: .trailing).times[0]
    #expect(abs(euler.noiseLevel - 4096) < 1e-3, "samplers that divide by the signal keep 2⁻²⁴ of it")
  }

  @Test func consistencyModelsAreSampledAtTheTimesOfTheirDistillation() throws {
    let schedule = GaussianTests.schedule()
    func times(_ steps: Int) throws -> [Double] {
      try TimeGrid(schedule, kind: .lcm, steps: steps).times.dropLast().map(\.timestep)
    }
    #expect(try times(4) == [999, 759, 499, 259])
    #expect(try times(50).last == 19)
    #expect(throws: SamplingError.steps(51, allowed: 1...50)) { try times(51) }
    #expect(try TimeGrid(schedule, kind: .lcm, steps: 100, spacing: .trailing).count == 100)
    let short = Schedule.Configuration(betaSchedule: .linear, numTrainTimesteps: 20, predictionType: .v)
    #expect(try TimeGrid(Schedule(short), kind: .lcm, steps: 20).times[19].timestep == 0)
  }

  @Test(arguments: SamplerKind.allCases, Spacing.allCases)
  func everySamplerStartsAtAFiniteTimeWithZeroTerminalSNR(_ kind: SamplerKind, _ spacing: Spacing) throws {
    let text = Self.xl.replacingOccurrences(
      of: "\"epsilon\"", with: "\"v_prediction\", \"rescale_betas_zero_snr\": true")
    let schedule = Schedule(try read(text))
    for steps in [1, 2, 10] {
      let grid = try TimeGrid(schedule, kind: kind, steps: steps, spacing: spacing)
      #expect(grid.initialScale.isFinite && grid.times.allSatisfy { $0.alpha.isFinite && $0.sigma.isFinite })
      #expect(grid.count == steps)
    }
  }

  @Test func anOffsetBeyondTheLastTimeThatIsLeftIsRefused() throws {
    var configuration = Schedule.Configuration(betaSchedule: .cosine, predictionType: .v)
    (configuration.stepsOffset, configuration.timestepSpacing) = (999, .leading)
    #expect(throws: SamplingError.tooFine(sampler: .ddim, spacing: .leading, steps: 4)) {
      try TimeGrid(Schedule(configuration), kind: .ddim, steps: 4, lowestLambda: -5.1)
    }
  }
}
