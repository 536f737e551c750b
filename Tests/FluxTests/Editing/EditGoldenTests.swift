import Diffusion
import Foundation
import Models
import TestSupport
import Testing
import Torch

/// Image-to-image and inpainting against diffusers' pipelines; Tools/golden/edits.py says how they were made.
@Suite struct EditGoldenTests {
  struct Case: Decodable {
    let sampler: SamplerKind
    let steps: Int
    let strength: Double
    let mask: Bool
  }

  /// The loop as `Pipeline` runs it, with the golden network.
  private func run(_ example: Case, _ file: SafetensorsFile, _ unet: UNet, clean: Tensor) throws -> Tensor {
    let texts = try file.tensor("texts")
    let count = clean.shape[0]
    let configuration = Schedule.Configuration(betaSchedule: .cosine, predictionType: .v)
    let grid = try TimeGrid(
      Schedule(configuration), kind: example.sampler, steps: example.steps, spacing: .trailing)
    let seed = try #require(file.metadata["seed"].flatMap { UInt64($0) })
    let source = NoiseSource(
      seeds: NoiseSource.seeds(from: seed, count: count), shape: Array(clean.shape.dropFirst()))
    let noise = source.next()
    let start = try grid.start(strength: example.strength)
    let network: BranchedDenoiser = { x, time, branches in
      let context = Tensor.cat(
        branches.map { branch in
          let row = branch == .conditional ? texts[1..<2] : texts[0..<1]
          return row.expanded([count] + row.shape.dropFirst())
        })
      return withNoGrad {
        unet(
          x.channelsLast(), timesteps: Tensor.full([x.shape[0]], time.timestep), context: context, contextMask: nil,
          classLabels: nil)
      }.narrowed(1, 0, x.shape[1])
    }
    let denoising = Denoising(
      grid.begun(clean, noise, at: start), along: grid, from: start, sampler: example.sampler.makeSampler(),
      prediction: .v,
      known: example.mask
        ? KnownRegion(latent: clean, noise: noise, mask: try file.tensor("mask")) : nil,
      noise: source, denoiser: Guidance(scale: 3)(network))
    return Array(denoising).last?.latent ?? denoising.latent
  }

  private func cases(_ file: SafetensorsFile) throws -> [Case] {
    try #require(file.metadata["cases"]).split(separator: "\n")
      .map { try JSONDecoder().decode(Case.self, from: Data($0.utf8)) }
  }

  @Test func latentsAreThoseOfDiffusersPipelines() throws {
    let file = try SafetensorsFile(Project.golden("edits.safetensors"))
    let unet = try UNet.load(from: Project.golden("unet/one-level"))
    let (clean, finals, examples) = (try file.tensor("clean"), try file.tensor("final"), try cases(file))
    try #require(examples.count == finals.shape[0] && examples.contains { $0.mask })
    for (index, example) in examples.enumerated() {
      expectClose(
        try run(example, file, unet, clean: clean), finals[index], atol: 1e-4, rtol: 1e-4,
        "\(example.sampler) \(example.steps) steps, strength \(example.strength)\(example.mask ? ", masked" : "")")
    }
  }

  @Test func strength0IsTheCleanLatentAndStrength1DoesNotKnowIt() throws {
    let file = try SafetensorsFile(Project.golden("edits.safetensors"))
    let unet = try UNet.load(from: Project.golden("unet/one-level"))
    let clean = try file.tensor("clean")
    func run(_ strength: Double, _ clean: Tensor) throws -> [UInt8] {
      try self.run(Case(sampler: .ddim, steps: 5, strength: strength, mask: false), file, unet, clean: clean).bytes()
    }
    #expect(try run(0, clean) == clean.bytes())
    #expect(try run(1, clean) == run(1, clean * 5))
    #expect(try run(0.8, clean) != run(0.8, clean * 5))
  }
}
