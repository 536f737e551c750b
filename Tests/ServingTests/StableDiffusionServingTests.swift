import Flux
import TestSupport
import Testing

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
}
