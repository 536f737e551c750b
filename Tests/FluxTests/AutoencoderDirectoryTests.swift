import Flux
import Foundation
import Models
import NN
import TestSupport
import Testing
import Torch

@Suite struct AutoencoderDirectoryTests {
  @Test func anAutoencoderAloneGetsNewNetworksOfItsPreset() throws {
    try Project.inTemporaryFolder { folder in
      let saved = Autoencoder(Preset.tiny.configuration.autoencoder, .random(Generator(seed: 3)))
      try saved.save(to: folder)
      #expect(ModelBundle.isAutoencoder(folder))
      let model = try ModelBundle(autoencoder: folder)
      #expect(model.configuration == Preset.tiny.configuration)
      for (key, tensor) in saved.parameters {
        let own = try #require(model.autoencoder.parameters.first { $0.key == key }?.tensor)
        #expect(own.bytes() == tensor.bytes(), "\(key)")
      }
      #expect(try ModelSource(model: folder).name == folder.lastPathComponent)
    }
  }

  /// Levels for larger images and the sharpness are of the autoencoder, not of the preset.
  @Test func anAutoencoderWithLevelsIsOfThePresetWithout() throws {
    try Project.inTemporaryFolder { folder in
      var expected = Preset.midi.configuration
      expected.autoencoder.superResolutionWidths = [8]
      expected.autoencoder.palette?.sharpness = 9
      try Autoencoder(expected.autoencoder, .random(Generator(seed: 3))).save(to: folder)
      #expect(try ModelBundle(autoencoder: folder).configuration == expected)
      #expect(Preset(of: expected) == .midi)
      // Images of the model's size take no longer.
      let flops = expected.flops(height: 16, width: 16, tokens: 48)
      #expect(flops == Preset.midi.configuration.flops(height: 16, width: 16, tokens: 48))
    }
  }

  @Test func sizesOfNoPresetAreRefused() throws {
    try Project.inTemporaryFolder { folder in
      var configuration = Preset.tiny.configuration.autoencoder
      configuration.decoderOutputWidth *= 2
      try Autoencoder(configuration, .random(Generator(seed: 3))).save(to: folder)
      let error = #expect(throws: CheckpointError.self) { _ = try ModelBundle(autoencoder: folder) }
      #expect(error?.description.contains("no preset has an autoencoder of these sizes") == true)
    }
  }

  @Test(arguments: [
    ("mini", false), ("mini/unet", false), ("judge", false), ("mini/autoencoder", true), ("none", false),
  ])
  func onlyTheConfigurationOfAnAutoencoderMakesOne(_ name: String, _ expected: Bool) {
    #expect(ModelBundle.isAutoencoder(Project.root.appendingPathComponent("models/\(name)")) == expected)
  }

  /// The released autoencoder is that of the presets which are to share it.
  @Test func theReleasedAutoencoderIsThatOfMidi() throws {
    let folder = Project.root.appendingPathComponent("models/midi-autoencoder")
    #expect(try ModelBundle(autoencoder: folder).configuration == Preset.midi.configuration)
  }
}
