import Diffusion
import Flux
import Foundation

extension Replay {
  /// Folders in which the files that an image names are looked for first: the working folder, and that of the image.
  var nearby: [URL] { [URL(fileURLWithPath: "."), file.url.deletingLastPathComponent()] }

  /// What the image says was chosen about its model, under what a command chooses; the same for a model of another family.
  func options(
    under given: FamilyOptions = FamilyOptions(clipSkip: nil, vae: nil, prediction: nil), for model: URL
  ) throws(Failure) -> StableDiffusionModel.Options {
    var options = given.options
    guard StableDiffusionFiles.isStored(at: model) else { return options }
    if given.clipSkip == nil {
      let stated = metadata[field: "Clip skip"].flatMap { Int($0) }.map { max(0, $0 - 1) }
      options.clipSkip = metadata.record?.model.clipSkip ?? stated ?? 0
    }
    if given.prediction == nil {
      options.prediction =
        metadata.record?.model.prediction ?? metadata[field: "Prediction"].flatMap { Prediction(rawValue: $0) }
    }
    if given.vae == nil { options.autoencoder = try autoencoder() }
    return options
  }

  /// The autoencoder that took the place of the model's own, near the image or among the installed models.
  private func autoencoder() throws(Failure) -> URL? {
    guard metadata.program == .flux else { return nil }
    let recorded = metadata.record?.model.autoencoder
    guard let name = recorded?.name ?? metadata[field: "VAE"],
      let hash = recorded?.hash ?? metadata[field: "VAE hash"]
    else { return nil }
    let candidates = (nearby + InstalledModels.folders).flatMap { folder in
      ["\(name).safetensors", name].map { folder.appendingPathComponent($0) }
    }
    let found = candidates.first { url in
      FileManager.default.fileExists(atPath: url.path)
        && InstalledModels.isHash(hash, of: try? AutoencoderSource(url).hash)
    }
    guard let found else {
      throw Failure("the autoencoder \"\(name)\" of \(file.text) is not found: give it with --vae")
    }
    return found
  }
}
