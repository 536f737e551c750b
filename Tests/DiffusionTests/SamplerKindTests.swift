import Diffusion
import Testing

@Suite struct SamplerKindTests {
  @Test(arguments: [
    ("euler_a", SamplerKind.euler_a), ("Euler a", .euler_a), ("EULER-ANCESTRAL", .euler_a),
    ("EulerAncestralDiscreteScheduler", .euler_a), ("k_euler_a", .euler_a), ("DPM++ 2M", .dpmpp_2m),
    ("dpm++2m", .dpmpp_2m), ("dpmpp_2m", .dpmpp_2m), ("DPMSolverMultistepScheduler", .dpmpp_2m),
    ("DPMSolverSinglestepScheduler", .dpmpp_2s), ("ddim_trailing", .ddim), ("uni_pc", .unipc),
    ("UniPC", .unipc),
    ("heun", .heun), ("DDPMScheduler", .ddpm), ("EulerDiscreteScheduler", .euler),
    ("LCM", .lcm), ("LCMScheduler", .lcm),
  ])
  func namesOfOtherProgramsAreUnderstood(_ name: String, _ kind: SamplerKind) throws {
    #expect(try SamplerKind(named: name) == kind)
  }

  @Test func everyKindIsFoundByItsOwnNames() throws {
    for kind in SamplerKind.allCases {
      #expect(try SamplerKind(named: kind.rawValue) == kind)
      #expect(try SamplerKind(named: kind.displayName) == kind)
    }
    for spacing in Spacing.allCases { #expect(try Spacing(named: spacing.rawValue) == spacing) }
  }

  @Test func aMisspelledNameBringsTheNearestOne() {
    let error = #expect(throws: SamplingError.self) { try SamplerKind(named: "uler_a") }
    #expect(error?.description == "unknown sampler \"uler_a\"; did you mean \"euler_a\"?")
    #expect(throws: SamplingError.unknownSpacing("karas", suggestion: "karras")) {
      try Spacing(named: "karas")
    }
  }

  @Test func aStrangeNameBringsTheList() {
    let error = #expect(throws: SamplingError.self) { try SamplerKind(named: "restart sampling") }
    #expect(error?.description.contains("use one of ddpm, ddim, euler, euler_a, heun, dpmpp_2m") == true)
  }

  @Test(arguments: [
    ("DPM++ 2M Karras", SamplerKind.dpmpp_2m, Spacing.karras), ("dpmpp_2m_karras", .dpmpp_2m, .karras),
    ("Euler a Exponential", .euler_a, .exponential), ("DPM++ 2M SGM Uniform", .dpmpp_2m, .trailing),
    ("Heun Karras", .heun, .karras), ("UniPC Simple", .unipc, .trailing), ("k_euler_normal", .euler, .linspace),
  ])
  func aNameMayHoldSamplerAndSpacing(_ name: String, _ kind: SamplerKind, _ spacing: Spacing) throws {
    let read = try SamplerKind.read(name)
    #expect(read.kind == kind && read.spacing == spacing)
  }

  @Test func aNameOfASamplerAloneHasNoSpacing() throws {
    #expect(try SamplerKind.read("ddim_trailing").spacing == nil)
    #expect(try SamplerKind.read("DPM++ 2M").spacing == nil)
  }

  @Test(arguments: ["DPM2", "DPM2 Karras", "DPM++ SDE Karras", "DPM++ 2M SDE", "LMS", "DPM fast", "PLMS"])
  func samplersThatFluxLacksAreNotTakenForOthers(_ name: String) {
    let error = #expect(throws: SamplingError.self) { try SamplerKind.read(name) }
    #expect(error == .unknownSampler(name, suggestion: nil))
  }
}
