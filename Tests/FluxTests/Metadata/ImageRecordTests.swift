import Diffusion
import Flux
import Foundation
import Images
import Testing

@Suite struct ImageRecordTests {
  private let pixels = Image(width: 2, height: 1, channels: .rgb, pixels: [1, 2, 3, 4, 5, 6])

  private func record(_ request: GenerationRequest) -> ImageRecord {
    let source = ModelSource(name: "mini", hash: String(repeating: "ab", count: 32))
    return ImageRecord(GeneratedImage(image: pixels, request: request, source: source), pixels: pixels)
  }

  @Test func everySettingComesBackToTheBit() throws {
    let request = GenerationRequest(
      prompt: "é \"x\" 🍎\n", negativePrompt: "b", seed: .max, steps: 7, sampler: .ddim, spacing: .karras,
      eta: 0.1 + 0.2,
      guidance: Guidance(scale: 1.0 / 3, interval: 0.1...1e300, rescale: 0.7), width: 128, height: 64,
      upscaler: .lanczos, largeLatents: true)
    let record = record(request)
    #expect(ImageRecord(json: record.json) == record)
    #expect(!record.json.contains("\n"))
  }

  @Test func keysAreInSnakeCase() {
    let json = record(GenerationRequest(prompt: "a")).json
    for key in ["\"schema\":1", "\"pixels_sha256\":", "\"negative_prompt\":", "\"large_latents\":"] {
      #expect(json.contains(key), "\(key) in \(json)")
    }
  }

  @Test func aSettingOfLaterVersionsHasItsDefault() throws {
    let json = record(GenerationRequest(prompt: "a", largeLatents: true)).json
    let older = json.replacingOccurrences(of: "\"large_latents\":true,", with: "")
    #expect(older != json)
    #expect(try #require(ImageRecord(json: older)).request == GenerationRequest(prompt: "a"))
  }

  @Test func otherTextIsNoRecord() {
    let json = record(GenerationRequest(prompt: "a")).json
    for text in [
      "", "{}", "[1]", "{\"schema\":1}", json.replacingOccurrences(of: "\"schema\":1", with: "\"schema\":2"),
    ] {
      #expect(ImageRecord(json: text) == nil)
    }
  }

  @Test func theHashSeesEveryByteAndTheShape() {
    let hash = ImageRecord.hash(of: pixels)
    var other = pixels
    other.pixels[5] ^= 1
    #expect(ImageRecord.hash(of: other) != hash)
    #expect(ImageRecord.hash(of: Image(width: 1, height: 2, channels: .rgb, pixels: pixels.pixels)) != hash)
  }
}
