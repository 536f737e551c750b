import Foundation
import Support
import TestSupport
import Testing
import Tokenizers
import Torch

@testable import Flux
@testable import Models

@Suite struct StableDiffusionFilesTests {
  @Test(arguments: [
    ("model.ckpt", "pickled"), ("model.PT", "pickled"), ("model.pth", "pickled"), ("model.bin", "pickled"),
    ("model.gguf", "GGUF"),
  ]) func filesOfOtherKindsAreRefusedByTheirNames(_ name: String, _ word: String) throws {
    let reason = try #require(StableDiffusionFiles.refusal(of: URL(fileURLWithPath: "/nowhere/\(name)")))
    #expect(reason.contains(word))
  }

  @Test func directoriesOfOtherPipelinesAreRefused() throws {
    try Project.inTemporaryFolder { folder in
      func reason(_ index: [String: Any]) throws -> String? {
        try JSONSerialization.data(withJSONObject: index).write(to: folder.appendingPathComponent("model_index.json"))
        return StableDiffusionFiles.refusal(of: folder)
      }
      #expect(StableDiffusionFiles.refusal(of: folder) == nil, "a folder without an index is no model at all")
      for name in StableDiffusionFiles.pipelines {
        #expect(try reason(["_class_name": name]) == nil)
        #expect(StableDiffusionFiles.isStored(at: folder))
      }
      #expect(
        try reason(["_class_name": "PixArtAlphaPipeline"])
          == "it is a model of diffusers' PixArtAlphaPipeline, which Flux does not draw with")
      #expect(!StableDiffusionFiles.isStored(at: folder))
      let xl = "StableDiffusionXLImg2ImgPipeline"
      #expect(try reason(["_class_name": xl, "requires_aesthetics_score": false]) == nil)
      #expect(
        try reason(["_class_name": xl, "requires_aesthetics_score": true])?.hasPrefix(
          "it is the refiner of Stable Diffusion XL") == true)
      #expect(try reason(["_class_name": "FluxPipeline"]) == nil)
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("transformer"), withIntermediateDirectories: false)
      #expect(try reason(["_class_name": "FluxPipeline"])?.contains("FLUX.1") == true)
    }
  }

  @Test func theRefinerIsRefusedByNameBeforeItsPartsAreMissed() throws {
    try PipelineGolden.withCopy("stable_diffusion_xl") { model in
      try FileManager.default.removeItem(at: model.appendingPathComponent("text_encoder"))
      try PipelineGolden.edit(model.appendingPathComponent("model_index.json"), ["requires_aesthetics_score": true])
      let error = #expect(throws: CheckpointError.self) { _ = try PipelineGolden.pipeline(model) }
      #expect("\(error!)".contains("refiner of Stable Diffusion XL"))
    }
  }

  @Test func theIndexSaysWhetherAnEmptyNegativePromptIsZeros() throws {
    try PipelineGolden.withCopy("stable_diffusion_xl") { model in
      let index = model.appendingPathComponent("model_index.json")
      #expect(try StableDiffusionFiles(model).zeroesEmptyNegative)
      for value in [false, true] {
        try PipelineGolden.edit(index, ["force_zeros_for_empty_prompt": value])
        #expect(try StableDiffusionFiles(model).zeroesEmptyNegative == value)
        let text = try PipelineGolden.pipeline(model).encodeText("a fox")
        #expect((text.unconditional.context.abs().max().item() == 0) == value)
      }
    }
  }

  /// A single file of the goldens with its family's tokenizers.
  private func single(_ name: String, _ url: URL? = nil) throws -> StableDiffusionFiles {
    var assumed = CheckpointAssumptions()
    (assumed.headWidth, assumed.textHeadWidth, assumed.groups, assumed.sizeWidth) = (4, 4, 4, 8)
    let file = Project.golden("single_file/\(name).safetensors")
    return .file(url ?? file, try SingleFileCheckpoint(file, assuming: assumed))
  }

  @Test func theSharedVocabularyIsPaddedAsTheFamilyIs() throws {
    let vocabulary = PipelineGolden.vocabulary
    let first = try single("sd1").tokenizer(vocabulary: vocabulary)
    #expect(first.padID == first.endID)
    #expect(try single("sd2").tokenizer(vocabulary: vocabulary).padID == 0)
    let xl = try single("sdxl")
    #expect(try xl.tokenizer(vocabulary: vocabulary).padID == first.endID)
    let second = try xl.secondTokenizer(vocabulary: vocabulary)
    let reference = try CLIPTokenizer(directory: Project.golden("clip_tokenizer/exclamation"))
    for text in ["a fox!", "a!!b !", "!", ""] {
      #expect(second.encode(text).ids == reference.encode(text).ids, "\(text)")
    }
  }

  @Test func aTokenizerBesideASingleFileIsUsed() throws {
    try Project.inTemporaryFolder { folder in
      for (name, source) in [("tokenizer", "exclamation"), ("tokenizer_2", "toy")] {
        try FileManager.default.copyItem(
          at: Project.golden("clip_tokenizer/\(source)"), to: folder.appendingPathComponent(name))
      }
      let files = try single("sdxl", folder.appendingPathComponent("x.safetensors"))
      let nowhere = folder.appendingPathComponent("nowhere")
      #expect(try files.tokenizer(vocabulary: nowhere).padID == 0)
      #expect(try files.secondTokenizer(vocabulary: nowhere).padID != 0)
    }
  }

  @Test(arguments: [
    ("stable_diffusion", "vae"), ("stable_diffusion", "tokenizer"), ("stable_diffusion", "text_encoder"),
    ("stable_diffusion", "unet"), ("stable_diffusion", "scheduler"), ("stable_diffusion_xl", "text_encoder_2"),
    ("stable_diffusion_xl", "tokenizer_2"), ("stable_diffusion_xl", "vae"),
  ]) func aMissingPartIsNamedInOneSentence(_ golden: String, _ part: String) throws {
    try PipelineGolden.withCopy(golden) { model in
      try FileManager.default.removeItem(at: model.appendingPathComponent(part))
      let error = #expect(throws: (any Error).self) { _ = try PipelineGolden.pipeline(model) }
      let sentence = "\(error!)"
      #expect(error is CheckpointError || error is TokenizerError)
      #expect(sentence.contains("/model/\(part)") && !sentence.contains("\n"), "\(sentence)")
    }
  }
}
