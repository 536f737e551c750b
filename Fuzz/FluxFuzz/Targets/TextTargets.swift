import Foundation

@testable import Flux
@testable import Images
@testable import Support
@testable import Tokenizers

extension FuzzTarget {
  /// JSON, vocabularies, prompts and prompt files.
  static var texts: [FuzzTarget] {
    [
      FuzzTarget("json", dictionary: "json", seeds: { try JSONSeeds.all() }) { bytes in
        guard let value = JSONValue(bytes) else { return }
        let text = Array(JSONSeeds.text(of: value).utf8)
        guard let again = JSONValue(text) else { fatalError("what was read is not read again") }
        demand(JSONSeeds.text(of: again).utf8.elementsEqual(text), "what was read is read as something else")
      },
      FuzzTarget(
        "vocabulary", maxLength: 512,
        seeds: { Seeds.texts("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nred\n##d\nap\n##ple\n") }
      ) { bytes in
        let file = Scratch.write(bytes, "vocab.txt")
        let tokenizer = try WordPieceTokenizer(vocabulary: file)
        let encoding = tokenizer.encode("a red apple, [MASK] übel", maxLength: 7)
        demand(
          encoding.ids.count <= 7 && encoding.ids.allSatisfy { 0..<Int32(tokenizer.count) ~= $0 }, "\(encoding.ids)")
      },
      FuzzTarget("tokenizer", dictionary: "prompt", seeds: { promptSeeds }) { bytes in
        guard let first = bytes.first else { return }
        let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
        let (limit, tokenizer) = (Int(first), WordPieceTokenizer.shipped)
        let encoding = tokenizer.encode(text, maxLength: limit)
        demand(encoding.ids.count <= max(2, limit) && encoding.ids.count == encoding.pieces.count, "too many pieces")
        _ = tokenizer.decode(encoding.ids)
      },
      FuzzTarget("clip-tokenizer", dictionary: "prompt", seeds: { promptSeeds }) { bytes in
        guard let first = bytes.first else { return }
        let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
        clip(CLIPTokenizer.toy, text, limit: Int(first))
      },
      FuzzTarget("clip-vocabulary", dictionary: "json", seeds: { Seeds.texts(clipDocument) }) { bytes in
        let folder = Scratch.folder("clip-vocabulary")
        Scratch.write(bytes, "tokenizer.json", in: folder)
        clip(try CLIPTokenizer(directory: folder), "a Red <|endoftext|> apple", limit: 7)
      },
      FuzzTarget("clip-tokens", dictionary: "json", seeds: { Seeds.texts(clipTokens) }) { bytes in
        let folder = Scratch.folder("clip-tokens")
        for name in ["vocab.json", "merges.txt"] {
          Scratch.write(try Seeds.file("\(clipToy)/\(name)"), name, in: folder)
        }
        for name in ["tokenizer_config.json", "special_tokens_map.json"] { Scratch.write(bytes, name, in: folder) }
        clip(try CLIPTokenizer(directory: folder), "a <X> b!", limit: 9)
      },
      FuzzTarget("prompt", dictionary: "prompt", seeds: { promptSeeds }) { bytes in
        let prompt = String(decoding: bytes, as: UTF8.self)
        _ = PromptSyntax.marks(in: prompt)
        let request = GenerationRequest(prompt: prompt, negativePrompt: String(prompt.suffix(40)))
        let image = Image(width: 1, height: 1, channels: .rgb, pixels: [1, 2, 3])
        let generated = GeneratedImage(image: image, request: request, source: ModelSource(name: prompt, hash: "0"))
        demand(try PNGText.read(generated.encoded()).count == 2, "a PNG without its texts")
        _ = WeightedPrompt(prompt).plainText
        _ = LoRATag.read(prompt)
        if let template = try? PromptTemplate(prompt, wildcards: Scratch.folder) { _ = template.prompt(seed: 1) }
      },
      FuzzTarget("image-metadata", dictionary: "json", seeds: { metadataSeeds }) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        for keyword in ["parameters", "flux", "invokeai_metadata", "sd-metadata", "prompt"] {
          _ = ImageMetadata([PNGText.Entry(keyword: keyword, text: text)])?.request()
        }
      },
      FuzzTarget(
        "prompt-file", maxLength: 512, seeds: { Seeds.texts("a red apple\r\n\n  a star\u{2028} b\n", "\u{feff}a") }
      ) {
        for prompt in try PromptFile.prompts(in: $0, name: "prompts.txt") { demand(!prompt.isEmpty, "an empty prompt") }
      },
    ]
  }

  /// What holds for the ids of any text.
  private static func clip(_ tokenizer: CLIPTokenizer, _ text: String, limit: Int) {
    let encoding = tokenizer.encode(text, maxLength: limit)
    demand(encoding.ids.count <= max(2, limit) && encoding.ids.count == encoding.pieces.count, "too many pieces")
    demand(encoding.ids.allSatisfy { 0..<Int32(tokenizer.count) ~= $0 }, "\(encoding.ids)")
    _ = tokenizer.decode(encoding.ids)
  }

  fileprivate static let clipToy = "Tests/Golden/clip_tokenizer/exclamation"

  private static let clipDocument =
    #"{"added_tokens":[{"id":4,"content":"<|endoftext|>","normalized":true}],"model":{"type":"BPE","#
    + #""end_of_word_suffix":"</w>","vocab":{"a":0,"a</w>":1,"aa":2,"<|startoftext|>":3,"<|endoftext|>":4},"#
    + #""merges":[["a","a"]]}}"#

  private static let clipTokens =
    #"{"pad_token":"!","bos_token":{"content":"<|startoftext|>","normalized":true,"lstrip":false},"#
    + #""added_tokens_decoder":{"814":{"content":"<X>","normalized":false}}}"#

  private static let metadataSeeds = Seeds.texts(
    "a\nNegative prompt: b\nSteps: 2, Sampler: Euler, Seed: 3, Size: 64x64, Model: \"a, b\"",
    #"{"1":{"class_type":"KSampler","inputs":{"seed":1,"steps":2,"positive":["2",0],"latent_image":["2",0]}},"2":{"class_type":"A","inputs":{"text":"a","width":64}}}"#,
    #"{"positive_prompt":"a","seed":1,"steps":2,"cfg_scale":7.5,"model":{"name":"b"}}"#,
    #"{"schema":1,"request":{"prompt":"a"},"model":{"name":"m","hash":"0","loras":[]},"version":"0","pixels_sha256":"0"}"#
  )

  private static let promptSeeds = Seeds.texts(
    "\u{20}a red apple to the left of a blue star", "\u{5}Ünïcödé [MASK] [SEP]; \"quoted\", 東京 naïve e\u{301} 🍎",
    "(red:1.2) ((big)) [blue] {a|b} <lora:name:0.8> __color__ a AND b BREAK c")
}

extension WordPieceTokenizer {
  /// The vocabulary of the text encoder that set-up fetched.
  fileprivate static let shipped: WordPieceTokenizer = {
    do {
      return try WordPieceTokenizer(vocabulary: URL(fileURLWithPath: ".deps/minilm/vocab.txt"))
    } catch { fatalError("run make setup first: \(error)") }
  }()
}

extension CLIPTokenizer {
  /// The toy vocabulary of the goldens.
  fileprivate static let toy: CLIPTokenizer = {
    do {
      return try CLIPTokenizer(directory: URL(fileURLWithPath: FuzzTarget.clipToy))
    } catch { fatalError("\(error)") }
  }()
}

/// JSON documents, and the text of a parsed one.
enum JSONSeeds {
  static func all() throws -> [[UInt8]] {
    try Seeds.files("models/mini/unet/config.json", "models/mini/model_index.json")
      + Seeds.texts(#"{"a":[1,-2.5e3,true,null],"b":{"c":"\u00e9\ud83c\udf4e\n"}}"#, "[[[[1]]]]", "0")
  }

  static func text(of value: JSONValue) -> String {
    switch value {
    case .object(let fields):
      "{" + fields.map { quoted($0.key) + ":" + text(of: $0.value) }.joined(separator: ",") + "}"
    case .array(let values): "[" + values.map { text(of: $0) }.joined(separator: ",") + "]"
    case .string(let string): quoted(string)
    case .number(let double, let exact): exact.map(String.init) ?? (double.isFinite ? "\(double)" : "0")
    case .bool(let flag): "\(flag)"
    case .null: "null"
    }
  }

  private static func quoted(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "\"") { result, scalar in
      if scalar.value < 0x20 || scalar == "\"" || scalar == "\\" {
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      } else {
        result.unicodeScalars.append(scalar)
      }
    } + "\""
  }
}
