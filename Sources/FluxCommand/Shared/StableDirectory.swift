import Flux
import Foundation
import Models

/// Writes models of Stable Diffusion's family as directories in diffusers' layout.
enum StableDirectory {
  /// The folders and files of a directory that are written.
  private static let written = [
    "model_index.json", "unet", "vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "scheduler",
  ]

  /// Reads a model, merges LoRAs into it, and writes it; says which files of its directory are left out.
  static func write(
    _ source: URL, to target: URL, as storage: Quantization, loras: [(file: URL, scale: Double)] = [],
    options: StableDiffusionModel.Options = .init()
  ) throws {
    let files = try StableDiffusionFiles(source)
    let model = try StableDiffusionModel(files, vocabulary: Installation.clipVocabulary, options)
    for (file, scale) in loras { model.merge(try model.lora(file), scale: scale) }
    try model.save(to: target, as: storage, from: files)
    Convert.sayErrors(storage, model.networks)
    switch files {
    case .directory: Convert.nameOthers(in: source, than: written, besides: target)
    case .file(_, let checkpoint):
      let count = checkpoint.ignoredKeys.count
      if count > 0 {
        say("flux: not copied: \(count) tensors that no network uses, such as \"\(checkpoint.ignoredKeys[0])\"")
      }
    }
  }
}
