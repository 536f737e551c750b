import Diffusion
import Foundation
import Models
import NN
import Support
import Torch

extension ModelBundle.Configuration {
  /// Reads the sizes of a model from its directory, without its weights.
  ///
  /// Throws where a file is missing or does not hold a valid configuration.
  public init(directory: URL) throws(CheckpointError) {
    try ModelBundle.refuseOthers(directory)
    let index: Index
    let schedule: Schedule.Configuration
    do throws(JSONFileError) {
      index = try JSONFile.read(directory.appendingPathComponent("model_index.json"))
      schedule = try JSONFile.read(directory.appendingPathComponent("scheduler/scheduler_config.json"))
    } catch { throw CheckpointError(error) }
    self.init(
      autoencoder: try Autoencoder.readConfiguration(directory.appendingPathComponent("autoencoder")),
      adapter: try TextAdapter.readConfiguration(directory.appendingPathComponent("text_adapter")),
      unet: try UNet.readConfiguration(directory.appendingPathComponent("unet")), schedule: schedule,
      imageSize: index.imageSize)
  }

  /// The only entry of `model_index.json` that sizes depend on.
  private struct Index: ModelConfiguration {
    var imageSize: Int

    func validate() throws(ConfigurationError) {
      try require("image_size", imageSize, in: ConfigurationLimit.imageSide)
    }
  }
}
