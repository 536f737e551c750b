import Foundation
import Models
import Support
import Torch

// Directories that hold only an autoencoder, which several models share.

extension ModelBundle {
  /// Whether a directory holds only an autoencoder, as its `config.json` says.
  public static func isAutoencoder(_ directory: URL) -> Bool {
    JSONFile.className(directory.appendingPathComponent("config.json")) == Autoencoder.className
  }

  /// Reads the directory of an autoencoder; U-Net and adapter are new and have the sizes of the first preset with that
  /// autoencoder.
  ///
  /// Throws if no preset has an autoencoder of these sizes.
  public convenience init(autoencoder directory: URL) throws(CheckpointError) {
    let autoencoder = try Autoencoder.load(from: directory)
    let sizes = autoencoder.configuration
    guard let preset = Preset.allCases.first(where: { $0.configuration.autoencoder.hasWeights(of: sizes) }) else {
      throw .configuration(
        file: directory.appendingPathComponent("config.json").path,
        reason: "no preset has an autoencoder of these sizes")
    }
    var configuration = preset.configuration
    configuration.autoencoder = sizes
    self.init(configuration, .random(Generator(seed: 0)), autoencoder: autoencoder)
  }
}
