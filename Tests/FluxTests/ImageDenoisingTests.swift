import Diffusion
import Flux
import Images
import Models
import NN
import TestSupport
import Testing
import Torch

@Suite struct ImageDenoisingTests {
  private func untrained() throws -> Pipeline {
    let model = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1)))
    return Pipeline(
      model: model, prompts: try PromptEncoder(directory: Project.minilm), source: ModelSource(name: "x", hash: "ab"))
  }

  private func image(_ channels: Image.Channels, _ pixel: (Int) -> UInt8) -> Image {
    Image(width: 64, height: 64, channels: channels, pixels: (0..<64 * 64 * channels.rawValue).map(pixel))
  }

  /// The images after the last step, made one stage after the other.
  private func finished(_ denoising: ImageDenoising, count: Int) throws -> [Image] {
    var latent = denoising.steps.latent
    for step in denoising.steps { latent = step.latent }
    return try (0..<count).map { try denoising.image(of: latent[$0..<$0 + 1]) }
  }

  @Test func theImagesOfTheLastStepAreThoseThatAreGenerated() throws {
    let pipeline = try untrained()
    let photo = image(.rgb) { UInt8(truncatingIfNeeded: $0 * 7 + $0 / 99) }
    let mask = image(.gray) { $0 % 64 < 32 ? 255 : 0 }
    let edits = [
      nil, ImageEdit(image: photo, strength: 0.5), ImageEdit(image: photo, strength: 0.5, mask: mask),
      ImageEdit(image: photo, strength: 0),
    ]
    for edit in edits {
      let request = GenerationRequest(prompt: "a red apple", seed: 5, steps: 4, edit: edit)
      let denoising = try pipeline.denoising(request, count: 2)
      let generated = try pipeline.generate(request, count: 2)
      #expect(try finished(denoising, count: 2) == generated.map(\.image))
      #expect(denoising.requests == generated.map(\.request))
    }
  }

  @Test func requestsOfOneBatchAreDenoisedTogether() throws {
    let pipeline = try untrained()
    let requests = ["a red apple", "a star"].map { GenerationRequest(prompt: $0, steps: 3) }
    let denoising = try pipeline.denoising(together: requests)
    #expect(try finished(denoising, count: 2) == pipeline.generate(together: requests).map(\.image))
  }

  @Test func aPreviewShowsWhatAMaskKeeps() throws {
    let pipeline = try untrained()
    let photo = image(.rgb) { UInt8(truncatingIfNeeded: $0) }
    let mask = image(.gray) { $0 % 64 < 32 ? 255 : 0 }
    let edit = ImageEdit(image: photo, mask: mask, inpainting: Inpainting(blur: 0))
    let denoising = try pipeline.denoising(GenerationRequest(prompt: "a", steps: 3, edit: edit))
    let preview = try denoising.preview(of: denoising.steps.latent)
    #expect(Array(preview.pixels[96..<192]) == Array(photo.pixels[96..<192]))
    #expect(Array(preview.pixels[..<96]) != Array(photo.pixels[..<96]))
  }

  @Test func aReferenceIsTheImageWithoutItsPixels() {
    let whole = ReferencedImage(image(.gray) { UInt8($0 % 256) })
    #expect(whole.reference == whole && whole.reference.pixels == nil)
  }
}
