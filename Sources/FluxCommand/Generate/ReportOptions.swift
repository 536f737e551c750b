import ArgumentParser
import Flux
import Foundation
import Support
import Torch

/// The options for what a call reports.
struct ReportOptions: ParsableArguments {
  @Flag(help: "Estimate time and memory without drawing anything.") var dryRun = false
  @Flag(help: "Print JSON, one line for each image: its file, seed, prompt and parameters.") var json = false

  /// The line of an image, and of its file if it was written.
  func line(file: URL?, _ image: GeneratedImage) -> String {
    guard json else { return file?.relativePath ?? "" }
    let request = image.request
    var facts = Facts()
    facts.add("file", file?.relativePath)
    facts.add("seed", JSONValue.seed(request.seed))
    facts.add("prompt", request.prompt)
    if !request.negativePrompt.isEmpty { facts.add("negative_prompt", request.negativePrompt) }
    facts.add("width", image.image.width)
    facts.add("height", image.image.height)
    facts.add("steps", request.steps)
    facts.add("sampler", request.sampler.rawValue)
    facts.add("guidance_scale", request.guidance.scale)
    facts.add("model", image.source.name)
    facts.add("parameters", image.parameters)
    return facts.json.text
  }

  /// Prints the estimate for requests with a model.
  func printForecast(
    _ requests: [GenerationRequest], model directory: URL, _ options: StableDiffusionModel.Options,
    _ precision: Precision, isFast: Bool, device: Device, batch: Int
  ) throws {
    let forecast = try GenerationForecast(
      requests, model: directory, options, precision, isFast: isFast, device: device, batch: batch)
    if json {
      var facts = Facts()
      facts.add("images", forecast.images)
      facts.add("evaluations", forecast.evaluations)
      facts.add("flops", forecast.flops)
      facts.add("seconds", (forecast.seconds * 10).rounded() / 10)
      facts.add("peak_bytes", forecast.peakBytes)
      return try printLine(facts.json.text)
    }
    let images = forecast.images == 1 ? "1 image" : "\(forecast.images) images"
    try printLine(
      "\(images), \(forecast.evaluations) evaluations of the U-Net, about \(Self.duration(forecast.seconds)) and "
        + "\(ByteCount.text(forecast.peakBytes)) of memory")
  }

  private static func duration(_ seconds: Double) -> String {
    switch seconds {
    case ..<10: "\((seconds * 10).rounded() / 10) s"
    case ..<120: "\(Int(seconds.rounded())) s"
    case ..<7200: "\(Int((seconds / 60).rounded())) min"
    default: "\((seconds / 360).rounded() / 10) h"
    }
  }
}
