import ArgumentParser
import Evaluation
import Flux
import Foundation
import Images
import Scenes
import Support

/// Options for judging images that other programs drew.
struct OtherImagesOptions: ParsableArguments {
  @Option(
    help: """
      JSON file to write: the prompt, seed and file name of every image of --set categories, for another program. \
      Nothing is generated.
      """)
  var writePrompts: FilePath?
  @Option(help: "Folder of images to judge instead of a model's: PNG, JPEG or WebP, named as in --prompts.")
  var images: FilePath?
  @Option(help: "The file of --write-prompts that the images were drawn from.") var prompts: FilePath?

  /// Throws if one of these options contradicts another, or others that are given beside it.
  func check(_ others: [(name: String, isGiven: Bool)]) throws(ValidationError) {
    if (images == nil) != (prompts == nil) {
      throw ValidationError("--images and --prompts need each other: the prompts say what the images should show")
    }
    if images != nil, writePrompts != nil {
      throw ValidationError("--images judges and --write-prompts only writes: remove one of them")
    }
    guard let own = images != nil ? "--images" : writePrompts != nil ? "--write-prompts" : nil else { return }
    let ofPrompts = ["--world", "--seeds", "--quick", "--seed", "--scenes-version"]
    let ofReport = ["--judge", "--output", "--write-sampling-weights", "--json"]
    let allowed = images != nil ? ofReport : ofPrompts
    let given = others.filter { $0.isGiven && !allowed.contains($0.name) }.map(\.name)
    if !given.isEmpty { throw ValidationError("\(own) has no use for \(given.joined(separator: ", ")): remove it") }
  }

  /// The list of images to judge; nil if a model is evaluated.
  func read() throws -> ImageList? {
    guard let images, let prompts else { return nil }
    return try ImageList(prompts, folder: images)
  }
}

/// The prompts of an evaluation as other programs get them.
struct PromptList: Codable {
  /// One image to draw.
  struct Entry: Codable {
    /// Name of the file without its extension, which is the program's choice.
    var image: String
    var prompt: String
    var seed: UInt64
  }

  var world: World
  var scenesVersion: Int
  var seed: UInt64
  var seeds: Int
  var quick: Bool
  var images: [Entry]

  /// The list of an evaluation.
  init(_ evaluation: GlyphEval, quick: Bool, version: RenderingVersion) {
    world = evaluation.set.world
    (scenesVersion, seed, seeds) = (version.rawValue, evaluation.seed, evaluation.seeds)
    self.quick = quick
    images = evaluation.requests.enumerated().map { number, request in
      Entry(image: String(format: "%05d", number + 1), prompt: request.prompt.text, seed: request.seed)
    }
  }

  /// The first entry in which a list differs from the prompts that Flux has for its settings.
  func firstDifference(from evaluation: GlyphEval) -> String? {
    let own = evaluation.requests
    if own.count != images.count { return "it has \(images.count) images, expected \(own.count)" }
    return zip(own, images).enumerated().first { $1.0.prompt.text != $1.1.prompt }.map {
      "image \($0 + 1) is \"\($1.1.prompt)\", expected \"\($1.0.prompt.text)\""
    }
  }
}

/// Images of another program, with the prompts that they were drawn from.
struct ImageList {
  let folder: FilePath
  let file: FilePath
  let prompts: PromptList
  private let files: [String]  // names in the folder

  /// Reads the list and finds its files; throws if the list is damaged or files are missing.
  init(_ file: FilePath, folder: FilePath) throws {
    (self.file, self.folder) = (file, folder)
    let bytes = try FileSlice(path: file.path).read(limit: 1 << 28)
    do {
      prompts = try JSONDecoder().decode(PromptList.self, from: Data(bytes))
    } catch { throw Failure("\(file.text) is not a list of prompts that --write-prompts wrote") }
    guard (1...100).contains(prompts.seeds) else {
      throw Failure("\(file.text): seeds is \(prompts.seeds), expected 1 to 100")
    }
    var found: [String: String] = [:]  // by name without extension
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    } catch { throw Failure("the folder \(folder.text) cannot be read") }
    for name in names {
      let url = URL(fileURLWithPath: name)
      guard ImageFile.extensions.contains(url.pathExtension.lowercased()) else { continue }
      found[url.deletingPathExtension().lastPathComponent] = name
    }
    let missing = prompts.images.filter { found[$0.image] == nil }
    if let first = missing.first {
      throw Failure(
        "\(missing.count) of \(prompts.images.count) images are missing in \(folder.text), the first is "
          + "\(first.image).png, .jpg or .webp: \"\(first.prompt)\"")
    }
    files = prompts.images.compactMap { found[$0.image] }
  }

  /// An image, resized if it does not have the side that the judges read.
  func image(_ number: Int, side: Int) throws -> Image {
    let path = "\(folder.path)/\(files[number])"
    let image = try ImageFile.decode(try FileSlice(path: path).read(limit: 1 << 30), file: path)
      .composited(on: Color(255, 255, 255))
    guard image.width == image.height else {
      throw Failure("\(path) has \(image.width)×\(image.height) pixels: the judges read square images")
    }
    return image.width == side ? image : image.resized(width: side, height: side, filter: .lanczos)
  }
}

extension Evaluate {
  /// The options that `OtherImagesOptions` may have no use for.
  var otherOptions: [(name: String, isGiven: Bool)] {
    [
      ("--model", model != nil), ("--set", prompts != .categories), ("--world", askedWorld != nil),
      ("--scenes-version", scenesVersion != nil), ("--seeds", seeds != nil), ("--quick", quick),
      ("--seed", seed != 1), ("--training-seed", trainingSeed != nil), ("--pairs", trainingEmphasis.isAsked),
      ("--fast", fast), ("--precision", precision != nil), ("--steps", steps != nil), ("--cfg-scale", cfgScale != nil),
      ("--cfg-rescale", cfgRescale != nil), ("--cfg-interval", interval != nil), ("--sampler", sampler != nil),
      ("--judge", judge != nil), ("--renders", renders), ("--output", output != nil),
      ("--write-sampling-weights", writeSamplingWeights != nil), ("--device", device != nil), ("--json", json),
    ]
  }

  /// Side of the images that the judges read, in pixels.
  private static let side = 512

  func writePrompts(to file: FilePath) throws {
    let atlas = try GlyphAtlas(world: askedWorld ?? .small, version: scenesVersion ?? .latest)
    let evaluation = try evaluation(seed: seed, seeds: seeds ?? 4, quick: quick, Self.side, atlas, nil)
    let list = PromptList(evaluation, quick: quick, version: atlas.version)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.write(Array(try encoder.encode(list)) + [10], to: file.url)
    try printLine("\(file.text): \(list.images.count) images to draw, 00001.png and so on, for --images")
  }

  func judge(_ list: ImageList) throws {
    try output.map { try OutputFile.checkFolder($0.url) }
    guard let version = RenderingVersion(rawValue: list.prompts.scenesVersion) else {
      throw Failure("\(list.file.text): scenesVersion is \(list.prompts.scenesVersion), expected 1 or 2")
    }
    let atlas = try GlyphAtlas(world: list.prompts.world, version: version)
    let learned = try learnedJudge(of: atlas.world)
    let evaluation = try evaluation(
      seed: list.prompts.seed, seeds: list.prompts.seeds, quick: list.prompts.quick, Self.side, atlas, learned,
      neighbors: 0)
    if let difference = list.prompts.firstDifference(from: evaluation) {
      throw Failure("\(list.file.text) does not have the prompts of this version of Flux: \(difference)")
    }
    let folder = try output.map(makeFolder)
    let progress = CountProgress(count: evaluation.imageCount, noun: "images", quiet: quiet)
    let provider = GlyphEval.ImageProvider(
      draw: { _, seeds, number in
        progress.show(number)
        return try seeds.indices.map { try list.image(number + $0, side: Self.side) }
      }, reconstruct: nil)
    let settings = EvaluationReport.Settings(
      version: Version.current, model: list.folder.text, modelHash: nil, seed: list.prompts.seed,
      seeds: list.prompts.seeds, quick: list.prompts.quick, steps: nil, sampler: nil, guidance: nil,
      guidanceRescale: nil, learnedJudge: learned?.hash, scenesVersion: version.rawValue)
    let (report, thumbnails) = try evaluation.run(provider, settings)
    progress.clear()
    try show(report, thumbnails, in: folder)
  }
}
