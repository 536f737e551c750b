import Diffusion
import Flux
import Images
import Testing

@Suite struct ImageMetadataTests {
  private func parameters(_ text: String) throws -> ImageMetadata {
    try #require(ImageMetadata([PNGText.Entry(keyword: "parameters", text: text)]))
  }

  @Test func whatFluxWritesAsTextIsReadBack() throws {
    let request = GenerationRequest(
      prompt: "a cat\nin two lines, Steps: 3", negativePrompt: "x: 1, y", seed: 9, steps: 11, sampler: .dpmpp_2s,
      spacing: .karras, guidance: Guidance(scale: 2.5, interval: 0.5...4, rescale: 0.25), width: 64, height: 32)
    let image = Image(width: 64, height: 32, channels: .rgb, pixels: [UInt8](repeating: 0, count: 64 * 32 * 3))
    let generated = GeneratedImage(
      image: image, request: request, source: ModelSource(name: "a, Seed: 1", hash: "0123456789abcdef"))
    let metadata = try parameters(generated.parameters)
    #expect(metadata.program == .flux)
    #expect(metadata.model == "a, Seed: 1")
    #expect(metadata.modelHash == "0123456789")
    #expect(metadata.request().request == request)
    #expect(metadata.request().notes.isEmpty)
  }

  @Test func theWebUIsTextIsRead() throws {
    let metadata = try parameters(
      """
      masterpiece, (red:1.2) apple
      Negative prompt: blurry,
      low quality
      Steps: 28, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 1234567890, Size: 512x768, Model hash: 6ce0161689, \
      Model: v1-5-pruned, Lora hashes: "ink: aa, light: bb", Version: v1.10.1
      """)
    #expect(metadata.program == .webUI)
    #expect(metadata.negativePrompt == "blurry,\nlow quality")
    #expect(metadata[field: "Lora hashes"] == "ink: aa, light: bb")
    let (request, notes) = metadata.request()
    #expect(request.prompt == "masterpiece, (red:1.2) apple")
    #expect((request.sampler, request.spacing) == (.dpmpp_2m, .karras))
    #expect((request.seed, request.steps, request.guidance.scale) == (1_234_567_890, 28, 7))
    #expect((request.width, request.height) == (512, 768))
    #expect(request.promptSyntax == .weighted)
    #expect(notes.count == 3 && notes[0].contains("AUTOMATIC1111"))
    #expect(notes[1].contains("--prompt-syntax weighted"))
    #expect(notes[2] == "not used of its settings: Model: v1-5-pruned, Lora hashes: ink: aa, light: bb")
  }

  @Test func tagsOfAnotherProgramAreLeftOutAndNamed() throws {
    let (request, notes) = try parameters("a cat <lora:ink:0.8>\nSteps: 5, Sampler: Euler, Clip skip: 2").request()
    #expect(request.prompt == "a cat" && request.promptSyntax == .weighted)
    #expect(notes.last == "its LoRAs are left out: \"ink\" (--lora FILE)")
    #expect(try parameters("a {red} [cat]\nSteps: 5, Sampler: Euler, Seed: 1").request().request.promptSyntax == .plain)
  }

  @Test func aRecordOfALaterVersionIsSaid() throws {
    let metadata = try #require(
      ImageMetadata([
        PNGText.Entry(keyword: "parameters", text: "a\nSteps: 5, Sampler: Euler, Version: flux 9.0.0"),
        PNGText.Entry(keyword: "flux", text: #"{"schema":99}"#),
      ]))
    #expect(metadata.record == nil && metadata.program == .flux)
    #expect(metadata[field: "Record"] == "of another version of Flux: not read")
  }

  @Test func graphsWithPythonsNaNAreRead() throws {
    let graph = #"""
      {"1": {"class_type": "KSampler", "inputs": {"steps": 4, "seed": 7, "positive": ["2", 0]}, "is_changed": [NaN]},
       "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a \"NaN\" cat"}}}
      """#
    let metadata = try #require(ImageMetadata([PNGText.Entry(keyword: "prompt", text: graph)]))
    #expect(metadata.program == .comfyUI && metadata.prompt == #"a "NaN" cat"# && metadata.seed == 7)
  }

  @Test func stableDiffusionCppsTextIsRead() throws {
    let metadata = try parameters(
      "A sunflower field\nSteps: 30, CFG scale: 5.000000, Guidance: 3.500000, Seed: 197583933, Size: 512x512, "
        + "Model: v1-5.safetensors, RNG: cuda, Sampler: euler_a karras, Version: stable-diffusion.cpp")
    #expect(metadata.program == .sdcpp)
    let request = metadata.request().request
    #expect((request.sampler, request.spacing, request.guidance.scale) == (.euler_a, .karras, 5))
  }

  @Test func anUnknownSamplerIsNamed() throws {
    let (request, notes) = try parameters("a\nSteps: 5, Sampler: Restart, Seed: 1, Schedule type: Beta").request()
    #expect(request.sampler == .dpmpp_2m)
    #expect(notes.contains("there is no sampler \"Restart\": dpmpp_2m is used"))
    #expect(notes.contains("there is no scheduler \"Beta\": that of the sampler is used"))
  }

  @Test(arguments: ["", "a cat", "a: b, c: d, e: f", "Steps: x"]) func ordinaryTextIsNoMetadata(_ text: String) {
    #expect(ImageMetadata([PNGText.Entry(keyword: "parameters", text: text)]) == nil)
    #expect(ImageMetadata([PNGText.Entry(keyword: "Comment", text: "Steps: 1, Seed: 2, Size: 3x3")]) == nil)
  }

  @Test func aGraphOfComfyUIIsFollowed() throws {
    let graph = """
      {"3":{"class_type":"KSampler","inputs":{"seed":["9",0],"steps":20,"cfg":8,"sampler_name":"euler","scheduler":"karras",
      "denoise":1,"model":["10",0],"positive":["6",0],"negative":["7",0],"latent_image":["5",0]}},
      "4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"sd15.safetensors"}},
      "5":{"class_type":"EmptyLatentImage","inputs":{"width":640,"height":384,"batch_size":1}},
      "6":{"class_type":"CLIPTextEncode","inputs":{"text":["8",0],"clip":["4",1]}},
      "7":{"class_type":"CLIPTextEncode","inputs":{"text":"blurry","clip":["4",1]}},
      "8":{"class_type":"PrimitiveString","inputs":{"value":"a red kite"}},
      "9":{"class_type":"Seed","inputs":{"seed":77}},
      "10":{"class_type":"LoraLoader","inputs":{"lora_name":"ink.safetensors","model":["4",0],"strength_model":1}}}
      """
    let metadata = try #require(ImageMetadata([PNGText.Entry(keyword: "prompt", text: graph)]))
    #expect(metadata.program == .comfyUI)
    #expect((metadata.prompt, metadata.negativePrompt) == ("a red kite", "blurry"))
    #expect(metadata.model == "sd15.safetensors")
    #expect(metadata[field: "LoRA"] == "ink.safetensors")
    let request = metadata.request().request
    #expect((request.seed, request.steps, request.guidance.scale) == (77, 20, 8))
    #expect((request.width, request.height, request.spacing) == (640, 384, .karras))
  }

  /// A graph may lead in a circle, and have no sampler at all.
  @Test func graphsThatLeadNowhereEnd() throws {
    for graph in [
      #"{"1":{"class_type":"KSampler","inputs":{"steps":["1",0],"positive":["2",0]}},"2":{"class_type":"A","inputs":{"text":["2",0],"x":["1",0]}}}"#,
      #"{"1":{"class_type":"SaveImage","inputs":{}}}"#,
    ] {
      let metadata = try #require(ImageMetadata([PNGText.Entry(keyword: "prompt", text: graph)]))
      #expect(metadata.prompt.isEmpty && metadata.steps == nil)
    }
  }

  @Test func bothVersionsOfInvokeAIAreRead() throws {
    let new =
      #"{"positive_prompt":"a fox","negative_prompt":"b","seed":5,"steps":30,"cfg_scale":7.5,"scheduler":"euler","width":512,"height":640,"model":{"name":"sdxl","hash":"blake3:1"},"app_version":"5.0"}"#
    let old =
      #"{"model_weights":"sd15","model_hash":"ff","image":{"prompt":[{"prompt":"a fox","weight":1}],"seed":5,"steps":30,"cfg_scale":7.5,"sampler":"k_euler","width":512,"height":640}}"#
    for (keyword, json) in [("invokeai_metadata", new), ("sd-metadata", old)] {
      let metadata = try #require(ImageMetadata([PNGText.Entry(keyword: keyword, text: json)]))
      #expect(metadata.program == .invokeAI && metadata.prompt == "a fox")
      let request = metadata.request().request
      #expect((request.seed, request.steps, request.sampler, request.height) == (5, 30, .euler, 640))
    }
  }
}
