import Flux
import Foundation
import Models
import Support
import Torch

extension GenerationForecast {
  /// The estimate for requests with a model of which only the headers of its weights are read, on this machine as it is now,
  /// or at a `speed` that was measured before.
  init(
    _ requests: [GenerationRequest], model directory: URL, _ options: StableDiffusionModel.Options,
    _ precision: Precision, isFast: Bool, device: Device, batch: Int, speed: Double? = nil
  ) throws {
    let isStable = StableDiffusionFiles.isStored(at: directory)
    if isStable, isFast { throw Failure("\(directory.path): a model of Stable Diffusion has no student for --fast") }
    let summary = try ModelSummary(directory)
    let student = isFast ? try FastStudent(directory.appendingPathComponent("fast"), of: summary.source()) : nil
    let encoder = Home.textEncoder.appendingPathComponent("model.safetensors")
    let parameters = summary.networks.reduce(0) { $0 + $1.parameters }
    let ownEncoder = summary.networks.contains { $0.name == "text_encoder" }
    try self.init(
      requests.map { student?.request($0) ?? $0 }, model: Pipeline.sizes(ofModel: directory, options: options),
      weights: isStable
        ? .init(of: StableDiffusionFiles(directory), options, precision, on: device)
        : .init(all: 4 * (parameters + (ownEncoder ? 0 : SafetensorsFile(encoder).elementCount))),
      speed: speed ?? MatmulThroughput.measure(on: device, precision == .bfloat16 ? .bfloat16 : .float32), batch: batch)
  }
}
