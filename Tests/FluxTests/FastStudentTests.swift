import Flux
import Foundation
import Models
import NN
import TestSupport
import Testing
import Torch

/// The sharpness that a few-step student sets for its images.
@Suite struct FastStudentTests {
  /// A model of 64×64 pixels with a student; `body` gets its directory.
  private func withStudent(
    palette: Autoencoder.Palette?, sharpness: Double?, _ body: (URL) throws -> Void
  ) throws {
    var configuration = Preset.tiny.configuration
    if let palette {
      configuration.autoencoder = Autoencoder.Configuration(
        latentChannels: configuration.autoencoder.latentChannels, encoderPatch: 4, encoderWidths: [8, 16],
        encoderBlocks: [1, 1], decoderWidths: [16, 8], decoderBlocks: [1, 1], decoderOutputWidth: 8,
        superResolutionWidths: [], normGroups: 4, palette: palette)
    }
    try Project.inTemporaryFolder { folder in
      let model = ModelBundle(configuration, .random(Generator(seed: 1)))
      try model.save(to: folder.appendingPathComponent("model"))
      let source = try ModelSource(model: folder.appendingPathComponent("model"))
      try FastStudent.save(
        LoRA(for: model.unet, rank: 1, Generator(seed: 1)),
        FastStudent.Configuration(
          steps: 2, guidance: .init(scale: 3), teacherSteps: 2, modelHash: source.hash, sharpness: sharpness),
        to: folder.appendingPathComponent("model/fast"))
      try body(folder.appendingPathComponent("model"))
    }
  }

  private let palette = Autoencoder.Palette(colors: 3, enlargement: 8, sharpness: 6, encoderShrink: 2)

  private func pixels(_ model: URL, fast: Bool) throws -> [UInt8] {
    let pipeline = try Pipeline(model: model, textEncoder: Project.minilm, fast: fast)
    return try pipeline.decodeLatents(Tensor.randn([1, 64, 4, 4], generator: Generator(seed: 2)))[0].pixels
  }

  @Test func imagesOfAStudentHaveItsSharpness() throws {
    var drawn: [[UInt8]] = []
    try withStudent(palette: palette, sharpness: 24) { drawn.append(try pixels($0, fast: true)) }
    var sharp = palette
    sharp.sharpness = 24
    try withStudent(palette: sharp, sharpness: nil) { drawn.append(try pixels($0, fast: true)) }
    #expect(drawn[0] == drawn[1])
  }

  @Test func imagesWithoutTheStudentAndOfStudentsWithoutOneHaveTheModels() throws {
    var drawn: [[UInt8]] = []
    try withStudent(palette: palette, sharpness: 24) {
      drawn += [try pixels($0, fast: false), try pixels($0, fast: true)]
    }
    try withStudent(palette: palette, sharpness: nil) { drawn.append(try pixels($0, fast: true)) }
    #expect(drawn[0] == drawn[2])
    #expect(drawn[0] != drawn[1])
  }

  @Test func aSharpnessNeedsAPaletteDecoder() throws {
    try withStudent(palette: nil, sharpness: 24) { model in
      let error = #expect(throws: CheckpointError.self) {
        _ = try Pipeline(model: model, textEncoder: Project.minilm, fast: true)
      }
      #expect(error?.description.contains("fast/config.json") == true, "\(error?.description ?? "")")
      #expect(error?.description.contains("sharpness is 24.0, but the model has no palette decoder") == true)
    }
  }
}
