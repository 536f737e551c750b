import Diffusion
import Foundation
import Models
import NN
import Support
import Torch

/// The pixel-space example: a network without autoencoder and text encoder, and the directory that it lives in.
///
///     model_index.json     what this is
///     unet/                config.json beside safetensors, with the token embeddings
///     scheduler/scheduler_config.json
public final class PixelModel {
  /// The denoising network, which has the token embeddings too.
  public let network: PixelUNet
  /// The noise schedule that the network was trained with.
  public let schedule: Schedule

  /// A new model of the given sizes; traps if they are invalid.
  ///
  /// The default schedule is the example's: β linear from 10⁻⁴ to 0.02 over 1000 steps, predicting the noise.
  public init(
    _ configuration: PixelUNet.Configuration = .example,
    schedule: Schedule.Configuration = Schedule.Configuration(betaSchedule: .linear, predictionType: .epsilon),
    _ initial: Initializer
  ) {
    network = PixelUNet(configuration, initial)
    self.schedule = Schedule(schedule)
  }

  /// Reads a model directory.
  public init(directory: URL) throws(CheckpointError) {
    let scheduler: Schedule.Configuration
    do throws(JSONFileError) {
      scheduler = try JSONFile.read(Self.schedulerFile(directory))
    } catch { throw CheckpointError(error) }
    network = try PixelUNet.load(from: directory.appendingPathComponent("unet"))
    schedule = Schedule(scheduler)
  }

  /// Whether a directory holds a model of this kind, as its `model_index.json` says.
  public static func isStored(in directory: URL) -> Bool { JSONFile.className(indexFile(directory)) == className }

  /// Writes a model directory; `model_index.json` comes last, so that an unfinished directory is not taken for a model.
  public func save(to directory: URL, as format: Quantization = .float32) throws(CheckpointError) {
    try network.save(to: directory.appendingPathComponent("unet"), as: format)
    let folder = Self.schedulerFile(directory).deletingLastPathComponent()
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch { throw .unreadable(file: folder.path, reason: "the folder cannot be created") }
    do throws(FileError) {
      try JSONFile.write(schedule.configuration, className: "DDPMScheduler", to: Self.schedulerFile(directory))
      try JSONFile.write(Index(), className: Self.className, to: Self.indexFile(directory))
    } catch { throw .notWritten(error) }
  }

  static let className = "FluxPixelPipeline"
  private static func indexFile(_ directory: URL) -> URL { directory.appendingPathComponent("model_index.json") }
  private static func schedulerFile(_ directory: URL) -> URL {
    directory.appendingPathComponent("scheduler/scheduler_config.json")
  }

  /// The name of the class says all.
  private struct Index: Encodable {}
}
