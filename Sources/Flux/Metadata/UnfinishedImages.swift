import Diffusion
import Foundation
import Support
import Torch

/// Images that are denoised together and are not finished: a safetensors file from which another process goes on.
///
/// The tensors are those of a `DenoisingState`; the metadata holds the requests, the model's identity, and a text of the
/// caller. An image from it is equal to the byte to one that was never interrupted, on the same machine.
public struct UnfinishedImages {
  /// The version of this format.
  public static let currentSchema = 1
  /// How the names of such files end.
  public static let ending = ".part.safetensors"
  static let (recordKey, commandKey) = ("flux_unfinished", "flux_command")

  /// The requests of the images, row k of every tensor that of request k.
  public let requests: [GenerationRequest]
  /// The model, with the student and LoRAs that were merged into it.
  public let model: ModelSource
  /// Where and how the steps so far were computed.
  public let run: GenerationRun
  /// The version of Flux that wrote the file.
  public let version: String
  /// Where the images are.
  public let state: DenoisingState
  /// What the caller needs to go on, as text.
  public let command: String

  /// The metadata, as JSON in snake case.
  private struct Record: Codable {
    var schema: Int
    var version: String
    var requests: [GenerationRequest]
    var model: ModelSource
    var run: GenerationRun
    var step: Int
    var steps: Int
    var draws: Int
    var tensorsSha256: String
  }

  /// Images that a pipeline is drawing, in a state.
  public init(_ state: DenoisingState, of requests: [GenerationRequest], by pipeline: Pipeline, command: String) {
    self.requests = requests.map(\.withReferences)
    (self.state, self.command) = (state, command)
    (model, version) = (pipeline.source, Version.current)
    run = GenerationRun(on: pipeline.device, pipeline.precision, image: 0, of: requests.count)
  }

  /// Writes the file, which appears complete or not at all, and is on the disk then.
  public func write(to url: URL) throws(CheckpointError) {
    let tensors = state.tensors.map { (key: $0.key, tensor: $0.tensor.to(.cpu)) }
    let record = Record(
      schema: Self.currentSchema, version: version, requests: requests, model: model, run: run, step: state.step,
      steps: state.count, draws: state.draws, tensorsSha256: Self.hash(of: tensors))
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let json = try? encoder.encode(record) else { fatalError("a record of finite values always encodes") }
    try Safetensors.write(
      tensors, metadata: [Self.recordKey: String(decoding: json, as: UTF8.self), Self.commandKey: command], to: url)
  }

  /// Whether a file says that it is one of these.
  public static func isStored(in file: SafetensorsFile) -> Bool { file.metadata[recordKey] != nil }

  /// Reads a file; throws if it is damaged or none of these.
  public init(_ url: URL) throws(CheckpointError) {
    let file = try SafetensorsFile(url)
    func wrong(_ reason: String) -> CheckpointError { .configuration(file: file.path, reason: reason) }
    guard let json = file.metadata[Self.recordKey] else {
      throw wrong("it holds no unfinished images: its metadata has no \"\(Self.recordKey)\"")
    }
    let schema = JSONValue(Data(json.utf8))?["schema"]
    guard schema?.int == Self.currentSchema else {
      throw wrong("schema: expected \(Self.currentSchema), found \(schema?.text ?? "none")")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let record = try? decoder.decode(Record.self, from: Data(json.utf8)) else {
      throw wrong("its \"\(Self.recordKey)\" cannot be read by flux \(Version.current)")
    }
    var tensors: [(key: String, tensor: Tensor)] = []
    for key in file.keys { tensors.append((key, try file.tensor(key))) }
    let hash = Self.hash(of: tensors)
    guard hash == record.tensorsSha256 else {
      throw wrong("it is damaged: expected tensors of SHA-256 \(record.tensorsSha256), found \(hash)")
    }
    do throws(DenoisingStateError) {
      state = try DenoisingState(step: record.step, count: record.steps, draws: record.draws, tensors: tensors)
    } catch { throw wrong(error.description) }
    (requests, model, run, version) = (record.requests, record.model, record.run, record.version)
    command = file.metadata[Self.commandKey] ?? ""
    guard !requests.isEmpty, state.latent.shape.first == requests.count else {
      throw wrong("tensor \"latent\" has shape \(state.latent.shape), expected \(requests.count) images")
    }
  }

  /// SHA-256 over the names, shapes and bytes of tensors, in the order of their names.
  static func hash(of tensors: [(key: String, tensor: Tensor)]) -> String {
    var hash = SHA256()
    for (key, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      Array("\(key)\n\(tensor.dtype)\n\(tensor.shape)\n".utf8).withUnsafeBytes { hash.update($0) }
      tensor.bytes().withUnsafeBytes { hash.update($0) }
    }
    return hash.hexDigest()
  }
}

extension UnfinishedImages {
  /// What differs in a pipeline and requests with which the images cannot be finished; nil if nothing does.
  public func difference(from requests: [GenerationRequest], _ pipeline: Pipeline) -> String? {
    let (source, own) = (pipeline.source, "the model's")
    func model(_ source: ModelSource) -> String { "\"\(source.name)\" with hash \(source.hash.prefix(10))" }
    func list(_ loras: [LoRASource]) -> String {
      loras.isEmpty
        ? "none" : loras.map { "\($0.name):\($0.scale.shown):\($0.hash.prefix(10))" }.joined(separator: ", ")
    }
    if self.model.hash != source.hash { return "model: expected \(model(self.model)), found \(model(source))" }
    let values: [(key: String, expected: String, actual: String)] = [
      ("student", self.model.fast ?? "none", source.fast ?? "none"),
      ("LoRAs", list(self.model.loras), list(source.loras)),
      ("clip skip", "\(self.model.clipSkip ?? 0)", "\(source.clipSkip ?? 0)"),
      ("prediction", self.model.prediction?.rawValue ?? own, source.prediction?.rawValue ?? own),
      ("autoencoder", self.model.autoencoder?.hash ?? own, source.autoencoder?.hash ?? own),
      ("precision", (run.precision ?? .float32).rawValue, pipeline.precision.rawValue),
      ("images", "\(self.requests.count)", "\(requests.count)"),
    ]
    if let wrong = values.first(where: { $0.expected != $0.actual }) {
      return "\(wrong.key): expected \(wrong.expected), found \(wrong.actual)"
    }
    for (expected, actual) in zip(self.requests, requests.map(\.withReferences)) {
      if let difference = Self.difference(expected, actual) { return difference }
    }
    return nil
  }

  /// The first setting that two requests do not share.
  private static func difference(_ expected: GenerationRequest, _ actual: GenerationRequest) -> String? {
    if expected == actual { return nil }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys  // values are compared as texts
    func fields(_ request: GenerationRequest) -> [(key: String, value: JSONValue)] {
      (try? encoder.encode(request)).flatMap { JSONValue($0)?.fields } ?? []
    }
    func text(_ key: String, _ fields: [(key: String, value: JSONValue)]) -> String {
      fields.first { $0.key == key }?.value.text ?? "none"
    }
    let (theirs, ours) = (fields(expected), fields(actual))
    for key in Set((theirs + ours).map(\.key)).sorted() where text(key, theirs) != text(key, ours) {
      return "\(key): expected \(text(key, theirs)), found \(text(key, ours))"
    }
    return "requests: expected those of the file, found others"
  }
}

extension GenerationRequest {
  /// The request with the hashes of its images instead of their pixels.
  fileprivate var withReferences: GenerationRequest {
    var request = self
    if let edit {
      request.edit?.image = edit.image.reference
      request.edit?.mask = edit.mask?.reference
    }
    return request
  }
}
