import Datasets
import Foundation
import TestSupport
import Testing

@testable import Training

/// People's own images, more of them than the pool holds.
@Suite(.serialized) struct CachedImagesTests {
  private func data(_ fixture: CacheFixture, crop: Crop = .center) throws -> TrainingData {
    .images(try ImageFolder(fixture.photos), crop: crop, mirror: false)
  }

  /// 100 images, in blocks of 64 and 36: step 6 ends the second epoch.
  @Test(arguments: [Crop.center, .random]) func everyVisitIsWhatItIsWithoutACache(crop: Crop) throws {
    try CacheFixture.with { fixture in
      try fixture.images(100)
      let data = try data(fixture, crop: crop)
      let plan = fixture.plan(data)
      let without = try fixture.draws(try fixture.trainer(plan, data, cached: false), steps: 0..<7)
      let trainer = try fixture.trainer(plan, data)
      let first = try fixture.draws(trainer, steps: 0..<7)
      // Center crops are the same in every epoch, random ones are not.
      #expect(trainer.cache?.hits == (crop == .center ? 100 : 0))
      #expect(try fixture.files("latents").count == (crop == .center ? 2 : 4))
      let again = try fixture.trainer(plan, data)
      let second = try fixture.draws(again, steps: 0..<7)
      #expect(again.cache?.hits == 200 && again.texts.encoded == 0)
      for (index, example) in without.enumerated() {
        #expect(example.equals(first[index]) && example.equals(second[index]), "step \(index)")
      }
      // A run that is continued in the middle of a block.
      for cached in [false, true] {
        let later = try fixture.draws(try fixture.trainer(plan, data, cached: cached), steps: 5..<7)
        #expect(zip(without[5...], later).allSatisfy { $0.equals($1) })
      }
      // The one that cannot be read is named, whether its block was encoded or not.
      #expect(again.failures.count == 1 && again.failures == trainer.failures)
    }
  }

  @Test func runsOfSeveralSeedsShareACache() throws {
    try CacheFixture.with { fixture in
      try fixture.images(70)
      let data = try data(fixture)
      var plan = fixture.plan(data)
      let first = try fixture.trainer(plan, data)
      _ = try fixture.draws(first)
      plan.seed = 9
      let second = try fixture.trainer(plan, data)
      for (mine, theirs) in zip(second.model.autoencoder.parameters, first.model.autoencoder.parameters) {
        mine.tensor.setData_(theirs.tensor)
      }
      _ = try fixture.draws(second)
      #expect((second.cache?.hits ?? 0) > 0)
    }
  }

  @Test func aChangedImageIsRefused() throws {
    try CacheFixture.with { fixture in
      try fixture.images(3)
      let data = try data(fixture)
      try fixture.trainer(fixture.plan(data), data).openCache()
      let path = fixture.photos.appendingPathComponent("0.png").path
      try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: path)
      let error = #expect(throws: CacheError.self) { try fixture.trainer(fixture.plan(data), data).openCache() }
      #expect(error?.description.contains(/: images: expected [0-9a-f]{12}, found [0-9a-f]{12}\. Use/) == true)
    }
  }

  /// An image that stood in for one that can be read now is not served any more.
  @Test func aStandInIsNotServedForAnImageThatCanBeRead() throws {
    try CacheFixture.with { fixture in
      try fixture.images(10)
      let data = try data(fixture)
      let examples = try data.examples(fixture.plan(data), side: 4)
      let block = examples.block(at: 0)
      let items = try examples.batch(.diffusion, block.range, size: 8).items
      #expect(try examples.metadata(block, items: items, size: 8)?.ids.count == 10)
      let good = try Data(contentsOf: fixture.photos.appendingPathComponent("4.png"))
      try good.write(to: fixture.photos.appendingPathComponent("5.png"))
      let later = try data.examples(fixture.plan(data), side: 4)
      #expect(try later.metadata(block, items: items, size: 8) == nil)
    }
  }
}
