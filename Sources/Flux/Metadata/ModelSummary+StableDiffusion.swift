import Diffusion
import Foundation
import Models
import NN
import Support
import Torch

extension ModelSummary {
  /// Summary of a model of Stable Diffusion's family.
  init(_ files: StableDiffusionFiles, at url: URL) throws(CheckpointError) {
    let sizes = try StableDiffusionModel.Configuration(files)
    let geometry = sizes.geometry
    let side = geometry.imageSize / geometry.cell
    directory = url
    (imageSize, latent) = (geometry.imageSize, [geometry.latentChannels, side, side])
    (scenes, fastSteps) = (nil, nil)
    (schedule, sampling, prediction) = (sizes.schedule, sizes.sampling, sizes.schedule.predictionType.rawValue)
    switch files {
    case .directory(let root):
      name = root.standardizedFileURL.lastPathComponent
      family = CheckpointFamily(of: sizes.unet)?.rawValue ?? "Stable Diffusion"
      var networks: [Network] = []
      for folder in StableDiffusionFiles.folders {
        let place = root.appendingPathComponent(folder)
        guard FileManager.default.fileExists(atPath: place.appendingPathComponent("config.json").path) else { continue }
        networks.append(try Network(folder, place))
      }
      self.networks = networks
      (unused, bytes) = ([], Self.size(of: root))
      license = ModelCard(root).license ?? Self.licenseFile(in: root)
    case .file(let file, let checkpoint):
      name = file.deletingPathExtension().lastPathComponent
      family = checkpoint.family.rawValue
      let parts: [(name: String, part: CheckpointPart?)] = [
        ("unet", checkpoint.unet), ("vae", checkpoint.autoencoder), ("text_encoder", checkpoint.textEncoder),
        ("text_encoder_2", checkpoint.textEncoder2),
      ]
      networks = parts.compactMap { name, part in
        part.map {
          Network(
            name,
            $0.configuration["_class_name"]?.string ?? $0.configuration["architectures"]?.array?.first?.string ?? "",
            $0)
        }
      }
      unused = checkpoint.ignoredKeys
      bytes = Int(FileSlice(path: file.path).facts?.st_size ?? 0)
      license = (try? SafetensorsFile(file))?.metadata["modelspec.license"]
    }
  }

  /// The name of a file with a license; nil without one.
  private static func licenseFile(in directory: URL) -> String? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return names.sorted().first { $0.lowercased().contains("license") }.map { "in the file \($0)" }
  }
}

extension StableDiffusionFiles {
  /// The folders of the networks, in diffusers' layout.
  static let folders = ["unet", "vae", "text_encoder", "text_encoder_2"]
}

extension CheckpointFamily {
  /// The family that a U-Net's sizes show; nil if they show none.
  init?(of unet: UNet.Configuration) {
    if unet.additionEmbedType != nil {
      self = .xl
      return
    }
    switch unet.crossAttentionDim {
    case 768: self = .stable1
    case 1024: self = .stable2
    default: return nil
    }
  }
}
