import Models
import NN
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct DistillationPlanTests {
  private func plan(_ change: (inout DistillationPlan) -> Void = { _ in }) -> DistillationPlan {
    var plan = DistillationPlan(modelHash: "ab", captions: "three", steps: 1000, learningRate: 2e-3)
    change(&plan)
    return plan
  }

  /// Batches of 32 use up 32 / (4 steps · 4 uses) = 2 trajectories a step, of which 32 are a chunk.
  @Test func chunksFollowTheBatches() {
    let plan = plan()
    #expect([0, 15, 16, 31, 32, 160].map(plan.chunks) == [4, 4, 5, 5, 6, 14])
    #expect(self.plan { $0.reuse = 8 }.chunks(before: 32) == 5)
    #expect(self.plan { $0.studentSteps = 8 }.chunks(before: 32) == 5)
    #expect(self.plan { $0.batch = 64 }.chunks(before: 32) == 8)
  }

  @Test func aSmallBufferBeginsWithAsManyChunksAsItHolds() {
    #expect(
      [0, 31, 32, 64, 96, 128, 4096].map { size in plan { $0.poolSize = size }.chunks(before: 0) }
        == [1, 1, 1, 2, 3, 4, 4])
  }

  @Test func theRateRisesStaysAndFallsAlongStraightLines() {
    let plan = plan()
    for step in stride(from: 0, to: 1000, by: 7) {
      let expected = 2e-3 * min(1, Double(step + 1) / 50) * min(1, Double(1000 - step) / 500)
      #expect(abs(plan.learningRate(at: step) - expected) < 1e-15)
    }
  }
}

@Suite struct TrajectoryBufferTests {
  /// A chunk of two trajectories of three steps, whose tensors hold 100 · chunk + 10 · trajectory + step.
  private func chunk(_ number: Int) -> Trajectories {
    let rows = Tensor([100 * number, 100 * number + 10].map(Float.init)).reshaped([2, 1, 1, 1, 1])
    let places = rows + Tensor.arange(0, 3).reshaped([1, 3, 1, 1, 1])  // [2, 3, 1, 1, 1]
    return Trajectories(
      starts: places, targets: -places,
      text: TextConditioning(
        context: rows.reshaped([2, 1, 1]), mask: Tensor.ones([2, 1]), pooled: rows.reshaped([2, 1])))
  }

  @Test func aRowIsOneStepOfOneTrajectoryWithItsText() {
    let buffer = TrajectoryBuffer(limit: 3)
    for number in 1...2 { buffer.append(chunk(number)) }
    let batch = buffer.draw(100, generator: Generator(seed: 1))
    let values = batch.x.reshaped([100]).ints()
    #expect(batch.x.shape == [100, 1, 1, 1] && batch.text.count == 100)
    #expect(Set(values) == [100, 101, 102, 110, 111, 112, 200, 201, 202, 210, 211, 212])
    #expect(values.map { $0 % 10 } == batch.steps)
    #expect(batch.target.reshaped([100]).ints() == values.map { -$0 })
    let texts = values.map { $0 / 10 * 10 }
    #expect(batch.text.context.reshaped([100]).ints() == texts && batch.text.pooled.reshaped([100]).ints() == texts)
  }

  @Test func theOldestChunkIsReplaced() {
    let buffer = TrajectoryBuffer(limit: 2)
    #expect(buffer.isEmpty)
    func chunks() -> Set<Int> {
      Set(buffer.draw(200, generator: Generator(seed: 2)).x.reshaped([200]).ints().map { $0 / 100 })
    }
    var held: [Set<Int>] = []
    for number in 1...5 {
      buffer.append(chunk(number))
      held.append(chunks())
    }
    #expect(held == [[1], [1, 2], [2, 3], [3, 4], [4, 5]])
  }

  @Test func aBufferHoldsOneChunkAtLeast() {
    let buffer = TrajectoryBuffer(limit: 0)
    buffer.append(chunk(1))
    buffer.append(chunk(2))
    #expect(buffer.limit == 1 && buffer.draw(10, generator: Generator(seed: 3)).x.ints().allSatisfy { $0 >= 200 })
  }
}

@Suite struct LowRankStudentTests {
  private let teacher = UNet(
    UNet.Configuration(
      sampleSize: nil, inChannels: 4, outChannels: 4, downBlockTypes: [.crossAttention],
      midBlockType: nil, upBlockTypes: [.plain], blockOutChannels: [8], layersPerBlock: 1,
      transformerLayersPerBlock: 1, attentionHeadDim: 2, useLinearProjection: true, crossAttentionDim: 6,
      classEmbedType: nil, projectionClassEmbeddingsInputDim: nil, normNumGroups: 4, normEps: 1e-5, actFn: .silu,
      flipSinToCos: true, freqShift: 0, downsamplePadding: 1), .random(Generator(seed: 1)))

  private func student() -> LowRankStudent {
    let student = LowRankStudent(of: teacher, rank: 2, Generator(seed: 2), device: .cpu)
    withNoGrad { for pair in student.lora.pairs { pair.up.normal_(std: 0.1, generator: Generator(seed: 3)) } }
    return student
  }

  private func weight(_ unet: UNet, _ layer: String) throws -> Tensor {
    try #require(unet.parameters.first { $0.key == "\(layer).weight" }).tensor
  }

  @Test func itStartsAsTheTeacher() {
    let student = LowRankStudent(of: teacher, rank: 2, Generator(seed: 2), device: .cpu)
    student.merge()
    for (own, given) in zip(student.unet.parameters, teacher.parameters) {
      #expect(own.tensor.bytes() == given.tensor.bytes() && own.tensor !== given.tensor)
    }
  }

  @Test func mergingAddsTheProductOnceHoweverOftenItIsDone() throws {
    let student = student()
    for _ in 0..<3 { student.merge() }
    for pair in student.lora.pairs {
      let expected = try weight(teacher, pair.layer) + pair.change
      expectClose(try weight(student.unet, pair.layer), expected, atol: 1e-6, pair.layer)
    }
  }

  @Test func onlyMatricesAndKernelsLearn() {
    let student = student()
    let learning = Set(student.unet.trainable.map(\.key))
    #expect(learning == Set(student.lora.pairs.map { "\($0.layer).weight" }))
    #expect(student.lora.parameters.allSatisfy { $0.tensor.requiresGrad })
    #expect(teacher.trainable.isEmpty)
  }

  /// For a gradient G of W: Bᵀ · G for A, and G · Aᵀ for B, in every layer.
  @Test func gradientsOfTheWeightsReachBothFactors() throws {
    let student = student()
    student.merge()
    var pulls: [String: Tensor] = [:]
    var total = Tensor(0)
    for (index, named) in student.unet.trainable.enumerated() {
      let pull = Tensor.randn(named.tensor.shape, generator: Generator(seed: UInt64(index)))
      pulls[named.key] = pull
      total = total + (named.tensor * pull).sum()
    }
    total.backward()
    student.passGradients()
    for pair in student.lora.pairs {
      let pull = try #require(pulls["\(pair.layer).weight"])
      let G = pull.reshaped([pull.shape[0], -1])
      let (A, B) = (pair.down.reshaped([2, -1]), pair.up.reshaped([-1, 2]))
      let (ofA, ofB) = withNoGrad { (B.transposed(0, 1).matmul(G), G.matmul(A.transposed(0, 1))) }
      expectClose(try #require(pair.down.grad).reshaped([2, -1]), ofA, atol: 1e-4, pair.layer)
      expectClose(try #require(pair.up.grad).reshaped([-1, 2]), ofB, atol: 1e-4, pair.layer)
      #expect(try weight(student.unet, pair.layer).grad == nil)
    }
  }
}
