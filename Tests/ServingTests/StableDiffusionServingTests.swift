import Flux
import Foundation
import TestSupport
import Testing
import Torch

@testable import Serving

/// A model of Stable Diffusion's family in the catalog of the server.
@Suite struct StableDiffusionServingTests {
  @Test func itsSizesAndTokensAreThoseOfItsFiles() throws {
    let model = try ServedModel(directory: Project.golden("stable_diffusion/model"), textEncoder: Project.minilm)
    #expect(model.name == "model" && model.hash.count == 64 && model.student == nil)
    #expect(model.imageSize == 48 && model.cell == 4 && model.configuration.maxTokens == 77)
    #expect(model.sampling.steps == 25)
    let tokens = model.tokens(of: "a red fox")
    #expect(tokens.ids.count > 4 && tokens.unknown.isEmpty)
  }

  @Test func aPreviewDecoderIsForModelsOfStableDiffusionOfOneKind() throws {
    let taesd = Project.golden("autoencoder_tiny/like-taesd")
    func stable(_ name: String) throws -> ServedModel {
      try ServedModel(directory: Project.golden("\(name)/model"), textEncoder: Project.minilm)
    }
    try Project.inTemporaryFolder { folder in
      try ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1))).save(to: folder)
      let own = try ServedModel(directory: folder, textEncoder: Project.minilm)
      let (sd, xl) = (try stable("stable_diffusion"), try stable("stable_diffusion_xl"))
      #expect(throws: Never.self) { try ModelCatalog([own, sd]).checkPreviewDecoder(taesd) }
      #expect(throws: Never.self) { try ModelCatalog([xl]).checkPreviewDecoder(taesd) }
      func sentence(_ models: [ServedModel], _ decoder: URL) -> String {
        let error = #expect(throws: CheckpointError.self) { try ModelCatalog(models).checkPreviewDecoder(decoder) }
        return error?.description ?? ""
      }
      #expect(sentence([own], taesd).contains("a preview decoder is for models of Stable Diffusion; this one"))
      #expect(sentence([sd, own, xl], taesd).contains("models of Stable Diffusion 1 and 2 or for those of XL"))
      #expect(
        sentence([own, sd], Project.golden("autoencoder_tiny/sixteen-channels"))
          .contains("config.json: latent_channels is 16, expected 4"))
    }
  }
}
