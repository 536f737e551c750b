import Diffusion
import Foundation
import Support
import TestSupport
import Testing

@testable import Models

/// The schedule of a single file is a value that the sampler's module reads.
@Suite struct SingleFileScheduleTests {
  @Test(arguments: CheckpointFamily.allCases) func everyFamilyHasAScheduleThatIsRead(_ family: CheckpointFamily) throws
  {
    for predictsV in [false, true] {
      let fields = family.scheduler(predictsV: predictsV, zeroTerminalSNR: predictsV)
      let configuration = try JSONFile.read(fields, of: "FILE", as: Schedule.Configuration.self)
      #expect(configuration.predictionType == (predictsV ? .v : .epsilon))
      #expect(configuration.rescaleBetasZeroSnr == predictsV && configuration.stepsOffset == 1)
      #expect(configuration.cleanRange(own: -6...6) == nil && configuration.spacing(for: .dpmpp_2m) == .leading)
      #expect(configuration.sampler == (family == .xl ? .euler : .ddim))
    }
  }
}
