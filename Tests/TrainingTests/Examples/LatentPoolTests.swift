import Diffusion
import TestSupport
import Testing
import Torch

@testable import Training

@Suite(.serialized) struct LatentPoolTests {
  /// Smaller than a block, no multiple of one, and never renewed.
  @Test(arguments: [(10, 7), (100, 30), (70, 0)]) func aPoolIsTheSameWhereverARunGoesOn(size: Int, renewal: Int) throws
  {
    try CacheFixture.with { fixture in
      var plan = fixture.plan()
      (plan.poolSize, plan.poolRenewal) = (size, renewal)
      let whole = try fixture.draws(try fixture.trainer(plan, cached: false), steps: 0..<11)
      let continued = try fixture.draws(try fixture.trainer(plan, cached: false), steps: 9..<11)
      #expect(zip(whole[9...], continued).allSatisfy { $0.equals($1) })
      let seen = Set(whole.flatMap(\.ids)).count
      #expect(renewal > 0 ? seen > size / 4 : seen <= size)
    }
  }

  /// Images that others would replace before they are drawn are not encoded, so that a step has a bounded cost.
  @Test func aPoolThatIsSmallerThanItsRenewalEncodesNoMoreThanItHolds() throws {
    try CacheFixture.with { fixture in
      var plan = fixture.plan()
      (plan.poolSize, plan.poolRenewal) = (1, 10_000_000)
      let whole = try fixture.draws(try fixture.trainer(plan), steps: 0..<3)
      #expect(try fixture.files("latents").count == 3)  // one block of images for each step
      let continued = try fixture.draws(try fixture.trainer(plan, cached: false), steps: 2..<3)
      #expect(continued[0].equals(whole[2]))
      #expect(Set(whole.map { $0.ids[0] }).count == 3)
    }
  }
}

@Suite struct LatentPoolBookkeepingTests {
  /// Examples whose tensors all hold their number.
  private func examples(_ numbers: [Int], labeled: Bool = true) -> Example {
    let values = Tensor(numbers.map(Float.init))
    func filled(_ shape: [Int]) -> Tensor {
      values.reshaped([numbers.count] + shape.map { _ in 1 }).expanded([numbers.count] + shape)
    }
    return Example(
      latents: filled([2, 2, 2]), captions: filled([3, 4]), masks: filled([3]),
      labels: labeled ? filled([4]).to(.int64) : nil, ids: numbers.map { "image \($0)" })
  }

  private func pool(_ size: Int) -> LatentPool {
    LatentPool(size: size, latentShape: [2, 2, 2], tokens: 3, stateWidth: 4, device: .cpu)
  }

  @Test func theNearestExampleIsFoundAmongThoseThatWereAdded() {
    let pool = pool(5)  // two rows are still empty, that is, zero
    pool.append(examples([3, 7, 9]), rows: 0..<3)
    let near = pool.nearest(to: Tensor.full([2, 2, 2], 7.5))
    #expect(near.row == 1 && near.distance == 0.5 && pool.ids[near.row] == "image 7")
    #expect(pool.nearest(to: Tensor.zeros([2, 2, 2])).row == 0)
    #expect(pool.latents([2, 0]).mean([1, 2, 3]).ints() == [9, 3])
  }

  /// The numbers that many draws show, each with all that belongs to it.
  private func shown(_ pool: LatentPool) -> Set<Int> {
    let drawn = pool.draw(200, generator: Generator(seed: 1))
    #expect(drawn.latents.shape == [200, 2, 2, 2] && drawn.captions.dtype == .float32)
    let numbers = drawn.latents.mean([1, 2, 3]).ints()
    #expect(drawn.captions.mean([1, 2]).ints() == numbers && drawn.masks.mean([1]).ints() == numbers)
    #expect(drawn.names == numbers.map { "image \($0)" })
    if let labels = drawn.labels { #expect(labels.selected(1, 3).ints() == numbers) }
    return Set(numbers)
  }

  /// Three wide latents and one tall one in a pool for squares.
  @Test func aBatchHasOneShapeAndEveryRowIsDrawnEquallyOften() {
    let pool = LatentPool(size: 4, latentShape: [2, 2, 2], tokens: 3, stateWidth: 4, device: .cpu)
    func add(_ numbers: [Int], _ shape: [Int]) {
      let whole = examples(numbers, labeled: false)
      let cells = shape[1] * shape[2]
      let places = Tensor.arange(0, Double(2 * cells)).reshaped([1] + shape) / 100
      let values = whole.latents.reshaped([numbers.count, 2, 4]).narrowed(2, 0, cells).reshaped([numbers.count] + shape)
      pool.append(
        Example(
          latents: values + places, captions: whole.captions, masks: whole.masks, labels: nil, ids: whole.ids),
        rows: 0..<numbers.count)
    }
    add([1, 2, 3], [2, 1, 4])
    add([4], [2, 3, 1])
    var counts: [String: Int] = [:]
    for seed in 0..<400 as Range<UInt64> {
      let drawn = pool.draw(8, generator: Generator(seed: seed))
      let isTall = drawn.names[0] == "image 4"
      #expect(drawn.latents.shape == (isTall ? [8, 2, 3, 1] : [8, 2, 1, 4]))
      // Each value is the number of the image and the place of the cell.
      let first = drawn.latents[0].reshaped([-1]).floats()
      let number = Float(drawn.names[0].dropFirst(6)) ?? 0
      #expect(zip(first, 0..<first.count).allSatisfy { abs($0 - number - Float($1) / 100) < 1e-5 })
      for name in drawn.names { counts[name, default: 0] += 1 }
    }
    #expect(counts.count == 4 && counts.values.allSatisfy { (600...1000).contains($0) }, "\(counts)")
  }

  @Test func onlyWhatWasAddedIsDrawn() {
    let pool = pool(8)
    pool.append(examples([10, 11, 12]), rows: 0..<3)
    #expect(pool.filled == 3 && shown(pool) == [10, 11, 12])
  }

  @Test func theOldestAreReplacedFirst() {
    let pool = pool(4)
    pool.append(examples([0, 1, 2]), rows: 0..<3)
    pool.append(examples([3, 4, 5]), rows: 0..<3)
    #expect(pool.filled == 6 && shown(pool) == [2, 3, 4, 5])
    pool.append(examples([6, 7]), rows: 0..<2)
    #expect(shown(pool) == [4, 5, 6, 7])
  }

  @Test func partOfABlockMayBeAdded() {
    let pool = pool(4)
    pool.append(examples([0, 1, 2, 3, 4]), rows: 1..<4)
    #expect(pool.filled == 3 && shown(pool) == [1, 2, 3])
  }

  @Test func aPoolThatSkipsAheadPutsExamplesWhereTheyWouldHaveBeen() {
    let (whole, late) = (pool(4), pool(4))
    whole.append(examples(Array(0..<7)), rows: 0..<7)
    late.skip(to: 3)
    late.append(examples(Array(3..<7)), rows: 0..<4)
    let (a, b) = (whole.draw(50, generator: Generator(seed: 2)), late.draw(50, generator: Generator(seed: 2)))
    #expect(a.latents.bytes() == b.latents.bytes() && a.names == b.names && a.names.contains("image 5"))
  }

  @Test func withoutLabelsNoneAreDrawn() {
    let pool = pool(2)
    pool.append(examples([1, 2], labeled: false), rows: 0..<2)
    #expect(pool.draw(4, generator: Generator(seed: 1)).labels == nil)
  }

  @Test func thePoolKeepsCopies() {
    let pool = pool(2)
    let example = Example(
      latents: Tensor.ones([1, 2, 2, 2]), captions: Tensor.ones([1, 3, 4]), masks: Tensor.ones([1, 3]), labels: nil,
      ids: ["a"])
    pool.append(example, rows: 0..<1)
    example.latents.fill_(9)
    #expect(pool.draw(1, generator: Generator(seed: 1)).latents.mean().item() == 1)
  }

  @Test(arguments: [1, 2, 5, 6, 7, 16]) func piecesAreTheRowsInOrder(_ rows: Int) {
    let all = Tensor.arange(0, Double(rows)).unsqueezed(1)
    for count in 1...8 {
      let pieces = all.pieces(count)
      #expect(pieces.count <= count && Tensor.cat(pieces).floats() == all.floats())
      let sizes = pieces.map { $0.shape[0] }
      #expect(sizes.dropLast().allSatisfy { $0 == sizes[0] } && (1...sizes[0]).contains(sizes[sizes.count - 1]))
    }
  }

  @Test func microBatchesAreTheBatchCutAfterItsNoiseWasDrawn() throws {
    let example = examples([1, 2, 3, 4, 5])
    let schedule = Schedule(Schedule.Configuration(betaSchedule: .cosine, predictionType: .v))
    let loss = DiffusionLoss(schedule: schedule, lossType: .l2, minSNR: 5)
    let noisy = loss.noisyBatch(clean: example.latents, generator: Generator(seed: 3))
    let pieces = DiffusionPiece.cut(example, noisy, into: 2)
    #expect(pieces.map { $0.noisy.shape[0] } == [3, 2])
    expectClose(Tensor.cat(pieces.map(\.noisy)), noisy.noisy, atol: 0)
    expectClose(Tensor.cat(pieces.map(\.target)), noisy.target, atol: 0)
    expectClose(Tensor.cat(pieces.map(\.timesteps)), noisy.timesteps, atol: 0)
    expectClose(Tensor.cat(pieces.map(\.captions)), example.captions, atol: 0)
    expectClose(Tensor.cat(pieces.compactMap(\.weights)), try #require(noisy.weights), atol: 0)
    #expect(pieces.flatMap { $0.labels?.selected(1, 0).ints() ?? [] } == [1, 2, 3, 4, 5])
  }
}
