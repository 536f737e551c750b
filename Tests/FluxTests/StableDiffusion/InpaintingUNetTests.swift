import Diffusion
import Foundation
import Images
import Models
import TestSupport
import Testing
import Torch

@testable import Flux

/// U-Nets with nine channels against diffusers; Tools/golden/stable_diffusion.py says how the pictures were made.
@Suite struct InpaintingUNetTests {
  /// Runs `body` with the model directory of the text-to-image golden and the U-Net for inpainting.
  private func withModel(_ body: (Pipeline) throws -> Void) throws {
    try Project.inTemporaryFolder { folder in
      let model = folder.appendingPathComponent("model")
      try FileManager.default.copyItem(at: Project.golden("stable_diffusion/model"), to: model)
      try FileManager.default.removeItem(at: model.appendingPathComponent("unet"))
      try FileManager.default.copyItem(
        at: Project.golden("stable_diffusion/inpainting/unet"), to: model.appendingPathComponent("unet"))
      try body(PipelineGolden.pipeline(model))
    }
  }

  @Test func picturesAreThoseOfDiffusers() throws {
    let golden = try PipelineGolden("stable_diffusion/inpainting")
    try #require(golden.cases.count >= 5)
    try withModel { pipeline in
      #expect(pipeline.model.readsSurroundings)
      try golden.compare { _ in pipeline }
    }
  }

  @Test func imagesOfOneBatchAreThoseDrawnAlone() throws {
    let golden = try PipelineGolden("stable_diffusion/inpainting")
    try withModel { pipeline in
      for example in golden.cases[0...1] {
        let request = try golden.request(example)
        for (index, drawn) in try pipeline.generate(request, count: 2).enumerated() {
          let alone = try pipeline.generate(request.image(index)).image
          let differences = zip(alone.pixels, drawn.image.pixels).map { abs(Int($0) - Int($1)) }
          #expect(differences.max() ?? 255 <= 1, "\(example), image \(index)")
        }
      }
    }
  }

  @Test func itSeesNothingOfTheImageUnderTheMask() throws {
    let golden = try PipelineGolden("stable_diffusion/inpainting")
    try withModel { pipeline in
      var request = try golden.request(golden.cases[0])
      var photo = try golden.picture("photo")
      let mask = try golden.picture("mask", .gray)
      let first = try pipeline.generate(request).image
      for index in photo.pixels.indices where mask.pixels[index / 3] != 0 { photo.pixels[index] = 7 }
      request.edit?.image = ReferencedImage(photo)
      #expect(try pipeline.generate(request).image == first)
    }
  }

  @Test func everyFillAndAnExtensionAreDrawn() throws {
    let golden = try PipelineGolden("stable_diffusion/inpainting")
    try withModel { pipeline in
      var request = try golden.request(golden.cases[1])
      request.steps = 3
      for fill in Inpainting.Fill.allCases {
        request.edit?.inpainting = Inpainting(blur: 4, fill: fill, crop: true, padding: 8)
        #expect(try pipeline.generate(request).image.width == 48)
      }
      request.edit?.mask = nil
      request.edit?.extend = Margins(left: 0, top: 0, right: 16, bottom: 0)
      #expect(try pipeline.generate(request).image.width == 64)
    }
  }

  @Test func withoutAMaskThereIsASentence() throws {
    try withModel { pipeline in
      let requests = [
        GenerationRequest(prompt: "a fox", steps: 2),
        GenerationRequest(
          prompt: "a fox", steps: 2, edit: ImageEdit(image: try PipelineGolden("stable_diffusion").picture("photo"))),
      ]
      for request in requests {
        let error = #expect(throws: GenerationError.self) { _ = try pipeline.generate(request) }
        #expect("\(error!)".contains("is for inpainting") && "\(error!)".contains("--mask"))
      }
      #expect(throws: GenerationError.self) { _ = try pipeline.generate(together: [requests[0]]) }
    }
  }
}
