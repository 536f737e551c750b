import Flux
import Foundation
import Support

/// The facts about a file of unfinished images.
enum UnfinishedFacts {
  static func facts(_ file: URL) throws -> Facts {
    let images = try UnfinishedImages(file)
    let first = images.requests[0]
    var facts = Facts()
    facts.add("kind", "unfinished images")
    facts.add("images", images.requests.count)
    facts.add("step", "\(images.state.step) of \(images.state.count)")
    facts.add("prompt", Self.list(images.requests.map(\.prompt)))
    if !first.negativePrompt.isEmpty { facts.add("negative_prompt", first.negativePrompt) }
    facts.add("seed", .array(images.requests.map { JSONValue.seed($0.seed) }))
    facts.add("sampler", first.sampler.displayName)
    facts.add("guidance_scale", first.guidance.scale)
    facts.add("latent", .array(images.state.latent.shape.map { .int($0) }))
    facts.add("model", images.model.name)
    facts.add("model_hash", images.model.hash)
    facts.add("device", images.run.device)
    facts.add("precision", images.run.precision?.rawValue)
    facts.add("libtorch", images.run.libtorch)
    facts.add("version", "flux \(images.version)")
    guard let call = InterruptedCall(text: images.command) else { return facts }
    facts.add("folder", call.folder)
    facts.add("command", (["flux"] + call.arguments).map(StateKeeper.quoted).joined(separator: " "))
    return facts
  }

  /// Texts as one, each once.
  private static func list(_ texts: [String]) -> String {
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }.joined(separator: "\n")
  }
}
