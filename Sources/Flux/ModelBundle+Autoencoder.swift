import Foundation
import Models
import NN
import Torch

// An autoencoder saved alone, as one is that several models share before any of them is trained.

extension ModelBundle {
  /// Whether a directory holds an autoencoder alone: configuration and weights, but no `model_index.json`.
  public static func isAutoencoder(_ directory: URL) -> Bool {
    func has(_ name: String) -> Bool {
      FileManager.default.fileExists(atPath: directory.appendingPathComponent(name).path)
    }
    return has("config.json") && !has("model_index.json")
  }

  /// Reads the directory of an autoencoder; U-Net and adapter are new ones, of the first preset with that autoencoder.
  ///
  /// Throws if no preset has an autoencoder of these sizes.
  public convenience init(autoencoder directory: URL) throws(CheckpointError) {
    let saved = try Autoencoder.load(from: directory)
    guard let preset = Preset.allCases.first(where: { $0.configuration.autoencoder == saved.configuration }) else {
      throw .configuration(
        file: directory.appendingPathComponent("config.json").path,
        reason: "no preset has an autoencoder of these sizes")
    }
    self.init(preset.configuration, .random(Generator(seed: 0)))
    withNoGrad {
      for (source, target) in zip(saved.parameters, autoencoder.parameters) { target.tensor.copy_(source.tensor) }
    }
  }
}
