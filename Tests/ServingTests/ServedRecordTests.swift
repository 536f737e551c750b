import Flux
import Foundation
import Images
import Serving
import Support
import Testing

/// Files that the server sends hold the record with which `flux verify` checks them.
@Suite struct ServedRecordTests {
  private func drawn(_ body: String, by fixture: ServiceFixture) async throws -> Job {
    try await fixture.waitUntilReady()
    let answer = await fixture.send("POST", "/flux/v1/jobs", body)
    let id = try #require(answer.json["id"]?.string, "\(answer)")
    return try #require(await fixture.service.queue.result(of: id))
  }

  private func recordOf(_ bytes: [UInt8]) -> ImageRecord? { ImageMetadata(file: bytes)?.record }

  @Test(arguments: ["png", "jpg", "webp"])
  func aFileHoldsTheRecordOfItsOwnPixels(format: String) async throws {
    let fixture = try ServiceFixture(draws: true)
    let job = try await drawn(
      #"{"request": {"prompt": "a cat", "seed": 4, "steps": 2}, "count": 2, "format": "\#(format)"}"#, by: fixture)
    #expect(job.images.count == 2)
    for (index, image) in job.images.enumerated() {
      let record = try #require(recordOf(image.bytes))
      #expect(record.pixelsHash == ImageRecord.hash(of: try ImageFile.decode(image.bytes, file: "image")))
      #expect(record.request.seed == UInt64(4 + index) && record.request.prompt == "a cat")
      #expect(record.run?.batch.index == index && record.run?.batch.count == 2 && record.run?.batch.tokens != nil)
      #expect(record.isResized == nil && record == image.record)
    }
  }

  @Test func thePNGAsAJPEGHasTheRecordOfTheJPEG() async throws {
    let fixture = try ServiceFixture(draws: true)
    let job = try await drawn(#"{"request": {"prompt": "a cat", "seed": 4, "steps": 2}}"#, by: fixture)
    let response = await fixture.send(ServiceFixture.request("GET", "/flux/v1/images/\(job.id)-0.jpg"))
    let bytes = try #require(response?.bytes)
    let record = try #require(recordOf(bytes))
    #expect(record.quality == 95 && record.pixelsHash != job.images[0].record?.pixelsHash)
    #expect(record.pixelsHash == ImageRecord.hash(of: try ImageFile.decode(bytes, file: "image")))
  }

  @Test func anImageOfAnotherSizeIsMarkedAsResized() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let answer = await fixture.send(
      "POST", "/v1/images/generations", #"{"prompt": "a cat", "size": "40x30", "steps": 2, "seed": 1}"#)
    let text = try #require(answer.json["data"]?.array?.first?["b64_json"]?.string, "\(answer)")
    let record = try #require(recordOf([UInt8](Data(base64Encoded: text) ?? Data())))
    #expect(record.isResized == true && record.request.width != 40)
  }

  @Test func keptRecordsHoldNoInitImages() async throws {
    let fixture = try ServiceFixture(draws: true)
    let photo = try TestImages.base64(TestImages.photo())
    let job = try await drawn(
      #"{"request": {"prompt": "a cat", "steps": 2}, "images": {"init": "\#(photo)"}}"#, by: fixture)
    let edit = try #require(job.images.first?.record?.request.edit)
    #expect(edit.image.pixels == nil && !edit.image.hash.isEmpty)
  }

  @Test func filesWithoutMetadataHaveNoRecord() async throws {
    let fixture = try ServiceFixture(draws: true)
    let job = try await drawn(#"{"request": {"prompt": "a cat", "steps": 2}, "metadata": false}"#, by: fixture)
    #expect(job.images.count == 1 && ImageMetadata(file: job.images[0].bytes) == nil)
  }
}
