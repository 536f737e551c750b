import Diffusion
import Foundation
import Models
import TestSupport
import Testing
import Torch

@testable import Flux

@Suite struct SamplingDefaultsTests {
  private let own = SamplingDefaults(steps: 12, guidance: Guidance(scale: 3, interval: 0.5...20, rescale: 0.7))

  @Test func aModelDirectoryKeepsItsDefaults() throws {
    try Project.inTemporaryFolder { folder in
      let model = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1)))
      try model.save(to: folder)
      #expect(try ModelBundle(directory: folder).sampling == nil)
      #expect(try ModelBundle.samplingDefaults(folder) == .standard)
      model.sampling = own
      try model.save(to: folder)
      #expect(try ModelBundle(directory: folder).sampling == own)
      #expect(try ModelBundle.samplingDefaults(folder) == own)
    }
  }

  @Test(arguments: [(0, 3.0, 0.0), (12, -1, 0), (12, 3, 1.5)])
  func valuesOutOfRangeAreRefused(steps: Int, scale: Double, rescale: Double) throws {
    try Project.inTemporaryFolder { folder in
      let model = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1)))
      model.sampling = SamplingDefaults(steps: steps, guidance: Guidance(scale: scale, rescale: rescale))
      try model.save(to: folder)
      let error = #expect(throws: CheckpointError.self) { _ = try ModelBundle.samplingDefaults(folder) }
      #expect("\(error!)".contains("model_index.json") && "\(error!)".contains("sampling."))
    }
  }

  @Test func whatIsAskedForReplacesADefault() {
    #expect(own.guidance() == own.guidance)
    #expect(own.guidance(scale: 5) == Guidance(scale: 5, interval: 0.5...20, rescale: 0.7))
    #expect(own.guidance(interval: 1...2, rescale: 0) == Guidance(scale: 3, interval: 1...2))
    #expect(own.guidance(scale: 1) == Guidance(scale: 1))
  }
}
