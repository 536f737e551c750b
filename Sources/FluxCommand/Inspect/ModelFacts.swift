import Flux
import Foundation
import Models
import Runs
import Support
import Torch

/// The facts about a model directory or file.
enum ModelFacts {
  /// The most names of tensors that are shown.
  private static let mostNames = 5

  static func facts(_ model: ModelSummary) throws -> Facts {
    var facts = Facts()
    facts.add("kind", model.imageSize == nil ? "autoencoder" : "model")
    facts.add("family", model.family)
    facts.add("name", model.name)
    facts.add(model.directory.pathExtension == "safetensors" ? "file" : "directory", model.directory.path)
    facts.add("image_size", model.imageSize)
    facts.add("latent", model.latent.map { .array($0.map { .int($0) }) })
    facts.add("prediction", model.prediction)
    facts.add("scheduler", model.schedule?.scheduler?.rawValue)
    facts.add("spacing", model.schedule?.timestepSpacing?.rawValue)
    facts.add("steps", model.sampling?.steps)
    facts.add("sampler", model.sampling.map { ($0.sampler ?? GenerationRequest(prompt: "").sampler).rawValue })
    facts.add("guidance_scale", model.sampling?.guidance.scale)
    facts.add("world", model.scenes.map { "\($0.world), version \($0.version)" })
    facts.add("license", model.license ?? "not stated")
    facts.add("parameters", model.networks.reduce(0) { $0 + $1.parameters })
    facts.add("bytes", model.bytes)
    facts.add("fast_steps", model.fastSteps)
    facts.add("hash", try model.source().hash)
    if let forecast = forecast(of: model) {
      facts.add("seconds_per_image", (forecast.seconds * 10).rounded() / 10)
      facts.add("peak_bytes", forecast.peakBytes)
    }
    facts.add(
      "networks",
      .array(
        model.networks.map {
          .object([
            ("name", .string($0.name)), ("class", .string($0.className)), ("parameters", .int($0.parameters)),
            ("bytes", .int($0.bytes)), ("type", .string($0.type)),
          ])
        }))
    if !model.unused.isEmpty {
      let names = model.unused.prefix(mostNames) + (model.unused.count > mostNames ? ["…"] : [])
      facts.add("unused_tensors", .object([("count", .int(model.unused.count)), ("names", .strings(names))]))
    }
    return facts
  }

  /// The speed of this machine, which takes nearly a second to measure, for all models of a call.
  private static let speed = MatmulThroughput.measure(on: .cpu, .float32)

  /// What an image with the model's own settings takes on this machine's CPU; nil for what cannot draw, such as an
  /// autoencoder alone or a model whose text encoder is not there.
  private static func forecast(of model: ModelSummary) -> GenerationForecast? {
    guard let sampling = model.sampling else { return nil }
    let request = GenerationRequest(
      prompt: "", steps: sampling.steps, sampler: sampling.sampler ?? GenerationRequest(prompt: "").sampler,
      guidance: sampling.guidance)
    return try? GenerationForecast(
      [request], model: model.directory, StableDiffusionModel.Options(), .float32, isFast: false, device: .cpu,
      batch: 1,
      speed: speed)
  }
}

/// The facts about a safetensors file: a LoRA, or other tensors.
enum SafetensorsFacts {
  static func facts(_ file: URL) throws -> Facts {
    if try UnfinishedImages.isStored(in: SafetensorsFile(file)) { return try UnfinishedFacts.facts(file) }
    var facts = Facts()
    guard let lora = try LoRASummary(file) else {
      // A file that looks like a model is read as one, so that what is wrong with it is said.
      let isModel = try SafetensorsFile(file).keys.contains { $0.hasSuffix("input_blocks.0.0.weight") }
      return isModel ? try ModelFacts.facts(ModelSummary(file)) : try tensors(file)
    }
    facts.add("kind", "LoRA")
    facts.add("parameters", lora.parameters)
    facts.add("type", lora.types.joined(separator: ", "))
    facts.add("bytes", Int(FileSlice(path: file.path).facts?.st_size ?? 0))
    facts.add("hash", try LoRASource(file: file, scale: 1).hash)
    facts.add(
      "networks",
      .array(
        lora.parts.map { part in
          var fields: [(key: String, value: JSONValue)] = [
            ("name", .string(part.network?.name ?? "not named")), ("layers", .int(part.layers)),
            ("rank", .array(part.ranks.map { .int($0) })),
          ]
          if !part.alphas.isEmpty { fields.append(("alpha", .array(part.alphas.map { .double($0) }))) }
          fields.append(("targets", .array(part.targets.map { .string($0) })))
          return .object(fields)
        }))
    let metadata = lora.metadata.filter { $0.key != "format" }.sorted { $0.key < $1.key }
    if !metadata.isEmpty { facts.add("metadata", .object(metadata.map { ($0.key, .string($0.value)) })) }
    return facts
  }

  private static func tensors(_ url: URL) throws -> Facts {
    let file = try SafetensorsFile(url)
    var facts = Facts()
    facts.add("kind", "tensors")
    facts.add("tensors", file.keys.count)
    facts.add("elements", file.elementCount)
    let types = Set(file.keys.compactMap { file.info($0)?.dtype?.rawValue }).sorted()
    facts.add("type", types.joined(separator: ", "))
    facts.add("bytes", Int(FileSlice(path: url.path).facts?.st_size ?? 0))
    let metadata = file.metadata.sorted { $0.key < $1.key }
    if !metadata.isEmpty { facts.add("metadata", .object(metadata.map { ($0.key, .string($0.value)) })) }
    return facts
  }
}

/// The facts about a checkpoint of a run.
enum CheckpointFacts {
  static func facts(_ checkpoint: CheckpointSummary) throws -> Facts {
    var facts = Facts()
    facts.add("kind", "checkpoint")
    facts.add("directory", checkpoint.folder.path)
    facts.add("step", checkpoint.record.step)
    facts.add("steps", checkpoint.record.steps)
    facts.add("stage_ends", checkpoint.record.stageEnds.map { .array($0.map { .int($0) }) })
    facts.add("tensors", checkpoint.tensors)
    facts.add("elements", checkpoint.elements)
    facts.add("bytes", ModelSummary.size(of: checkpoint.folder))
    facts.add("optimizer_state", .bool(checkpoint.hasOptimizerState))
    facts.add("plan", JSONValue(Array(try checkpoint.record.identity.json().utf8)))
    return facts
  }
}
