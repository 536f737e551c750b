import Flux
import Foundation
import Models
import Support
import TestSupport
import Testing
import Torch

@Suite struct ConfigurationTests {
  private func withModel(_ body: (URL) throws -> Void) throws {
    try Project.inTemporaryFolder { folder in
      let model = folder.appendingPathComponent("model")
      try ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1))).save(to: model)
      try body(model)
    }
  }

  /// Replaces a value of a file.
  private func set(_ file: URL, _ key: String, _ value: Any) throws {
    var table = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    table[key] = value
    try JSONSerialization.data(withJSONObject: table).write(to: file)
  }

  private func sentence(_ model: URL) -> String {
    let error = #expect(throws: CheckpointError.self) { _ = try ModelBundle(directory: model) }
    return error?.description.replacingOccurrences(of: model.path, with: "MODEL") ?? ""
  }

  /// A trap would end the test program: whatever loads must also draw.
  @Test(arguments: [
    "unet/config.json", "autoencoder/config.json", "text_adapter/config.json", "scheduler/scheduler_config.json",
    "model_index.json",
  ])
  func aDamagedNumberIsRefusedByNameOrHarmless(_ name: String) throws {
    let prompts = try PromptEncoder(directory: Project.minilm)
    try withModel { folder in
      try DamagedConfiguration.forEach(folder.appendingPathComponent(name)) { key, value in
        let model: ModelBundle
        do {
          model = try ModelBundle(directory: folder)
        } catch {
          let (text, part) = ("\(error)", name.split(separator: "/")[0])
          #expect(text.contains(folder.path) && text.contains(part), "\(key) \(value): \(text)")
          #expect(text.contains(key) || text.contains("tensor \""), "\(key) \(value): \(text)")
          return
        }
        let pipeline = Pipeline(model: model, prompts: prompts, source: ModelSource(name: "x", hash: ""))
        _ = try? pipeline.generate(GenerationRequest(prompt: "a", steps: 2))
      }
    }
  }

  @Test func theFewStepStudentIsCheckedToo() throws {
    try withModel { folder in
      let source = try ModelSource(model: folder)
      let student = folder.appendingPathComponent("fast")
      let unet = try ModelBundle(directory: folder).unet
      let configuration = FastStudent.Configuration(
        steps: 4, guidance: .init(scale: 3), teacherSteps: 4, modelHash: source.hash, sharpness: 8)
      try FastStudent.save(LoRA(for: unet, rank: 1, Generator(seed: 1)), configuration, to: student)
      try DamagedConfiguration.forEach(student.appendingPathComponent("config.json")) { key, value in
        do {
          _ = try FastStudent(student, of: source)
        } catch { #expect("\(error)".contains("fast/config.json") && "\(error)".contains(key), "\(value): \(error)") }
      }
    }
  }

  private static let sentences: [(String, String, any Sendable, String)] = [
    (
      "scheduler/scheduler_config.json", "beta_schedule", "cosine",
      "beta_schedule is \"cosine\", expected one of \"linear\", \"scaled_linear\", \"squaredcos_cap_v2\""
    ),
    (
      "scheduler/scheduler_config.json", "prediction_type", 7,
      "prediction_type is 7, expected one of \"epsilon\", \"v_prediction\", \"sample\""
    ),
    ("scheduler/scheduler_config.json", "beta_end", 5, "beta_end is 5.0, expected 1e-09 to 0.999"),
    ("unet/config.json", "norm_num_groups", 0, "norm_num_groups is 0, expected 1 to 65536"),
    (
      "unet/config.json", "down_block_types", ["CrossAttnDownBlock2D", "AttnDownBlock2D"],
      "down_block_types[1] is \"AttnDownBlock2D\", expected one of \"DownBlock2D\", \"CrossAttnDownBlock2D\""
    ),
    (
      "unet/config.json", "block_out_channels", [30, 32],
      "block_out_channels[0] is 30, expected a multiple of norm_num_groups, 8"
    ),
    ("text_adapter/config.json", "heads", 5, "width is 32, expected a multiple of heads, 5"),
    ("autoencoder/config.json", "encoder_widths", [Int](), "encoder_widths is a list of 0, expected 1 to 16 levels"),
    ("model_index.json", "image_size", 72, "image_size is 72, expected a multiple of the autoencoder's cell, 16"),
    ("model_index.json", "image_size", "64", "image_size is \"64\", expected a whole number"),
  ]

  @Test(arguments: sentences.indices)
  func theSentenceNamesFileKeyValueAndWhatIsAllowed(_ index: Int) throws {
    let (file, key, value, expected) = Self.sentences[index]
    try withModel { model in
      try set(model.appendingPathComponent(file), key, value)
      #expect(sentence(model) == "MODEL/\(file): \(expected)")
    }
  }

  @Test func aNetworkFarLargerThanItsFilesIsRefusedBeforeItIsBuilt() throws {
    try withModel { model in
      try set(model.appendingPathComponent("unet/config.json"), "block_out_channels", [65_536, 65_536])
      #expect(sentence(model).contains("unet/config.json: its sizes give a network with "))
    }
  }

  @Test func filesThatAreNoJSONAreNamed() throws {
    try withModel { model in
      try Data("{".utf8).write(to: model.appendingPathComponent("scheduler/scheduler_config.json"))
      #expect(sentence(model) == "MODEL/scheduler/scheduler_config.json: it is not a JSON object")
      try FileManager.default.removeItem(at: model.appendingPathComponent("scheduler/scheduler_config.json"))
      #expect(sentence(model).hasPrefix("cannot read MODEL/scheduler/scheduler_config.json: No such file"))
    }
  }

  @Test func promptsThatTheTextEncoderHasNoPositionsForAreRefused() throws {
    try withModel { model in
      try set(model.appendingPathComponent("text_adapter/config.json"), "max_tokens", 600)
      let error = #expect(throws: CheckpointError.self) { try Pipeline(model: model, textEncoder: Project.minilm) }
      #expect(error?.description.hasSuffix("text_adapter/config.json: max_tokens is 600, expected 3 to 512") == true)
    }
  }

  @Test func whatIsSavedIsReadBackEqual() throws {
    try withModel { model in
      let read = try ModelBundle(directory: model).configuration
      #expect(read == Preset.tiny.configuration)
    }
  }
}
