import Diffusion
import Flux
import Foundation
import Images
import Support
import Torch

/// The state of `flux draw`: settings, the models in memory, and the last images.
final class DrawSession {
  /// Ctrl-C while an image was drawn.
  struct Stopped: Error {}

  private var settings: DrawSettings
  private var earlier: [DrawSettings] = []
  private var loaded: [(directory: URL, isFast: Bool, pipeline: Pipeline)] = []  // the latest used last
  private var last: [(result: GeneratedImage, file: URL)] = []
  private let folder: FilePath
  private let preview: ImagePreview?
  private let previewDecoder: URL?
  private let device: Device
  private let precision: Precision
  private var number: Int

  /// The most models in memory.
  private static let mostLoaded = 2
  /// The most changes that can be taken back.
  private static let mostEarlier = 100

  /// `decoder` is the directory of what draws previews of models of Stable Diffusion, nil without one.
  init(
    _ settings: DrawSettings, folder: FilePath, preview: ImagePreview?, decoder: URL?, _ precision: Precision,
    device: Device
  ) {
    (self.settings, self.folder, self.preview, previewDecoder) = (settings, folder, preview, decoder)
    (self.precision, self.device) = (precision, device)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    number = names.compactMap { name in Int(name.prefix { $0.isNumber }) }.max() ?? 0
  }

  /// Does what a line says; false where it ends the session.
  func take(_ line: String) throws -> Bool {
    switch try DrawLine(line) {
    case .prompt(let prompt):
      try change { $0.prompt = prompt }
      try draw()
    case .next:
      guard settings.prompt != nil, !last.isEmpty else { return true }
      settings.seed &+= UInt64(settings.count)
      try draw()
    case .command(let command): return try run(command)
    }
    return true
  }

  private func run(_ command: DrawLine.Command) throws -> Bool {
    switch command {
    case .again(let seed):
      if let seed { try change { $0.seed = seed } }
      try draw()
    case .seed(let seed):
      try change { $0.seed = seed ?? .random(in: 0...UInt64(UInt32.max)) }
      if seed == nil { say("seed \(settings.seed)") }
    case .steps(let steps): try change { $0.steps = steps }
    case .cfg(let scale): try change { $0.cfg = scale }
    case .sampler(let name):
      let named = try name.map { try SamplerKind.read($0) }
      try change { ($0.sampler, $0.spacing) = (named?.kind, named?.spacing) }
    case .size(let width, let height):
      _ = try pipeline().outputSize(GenerationRequest(prompt: "", width: width, height: height))
      try change { ($0.width, $0.height) = (width, height) }
    case .negative(let text): try change { $0.negativePrompt = text }
    case .count(let count): try change { $0.count = count }
    case .initImage(let source):
      let image = try image(source)
      try change { $0.initImage = image }
    case .mask(let name):
      let mask = try name.map { ($0, try ImageOptions.read(FilePath($0))) }
      try change { $0.mask = mask }
    case .strength(let strength): try change { $0.strength = strength }
    case .variation(let strength): try change { $0.variation = strength }
    case .fast(let isFast): try load { $0.isFast = isFast }
    case .model(let name): try load { $0.model = FilePath(name) }
    case .save(let name): try save(name)
    case .show: for image in last { preview?.finish(image.result.image) ?? say(image.file.relativePath) }
    case .undo:
      guard let before = earlier.popLast() else { throw Failure("there is no change to take back") }
      settings = before
      printSettings()
    case .settings: printSettings()
    case .help:
      DrawLine.helpLines.forEach { say($0) }
    case .quit: return false
    }
    return true
  }

  private func printSettings() { for (name, value) in settings.lines { say("\(name): \(value)") } }

  /// Changes the settings; throws for a setting that the student fixes.
  private func change(_ body: (inout DrawSettings) -> Void) throws {
    var changed = settings
    body(&changed)
    if changed == settings { return }
    try changed.checkStudent()
    earlier = earlier.suffix(Self.mostEarlier - 1) + [settings]
    settings = changed
  }

  private func image(_ source: DrawLine.Source) throws -> (String, Image)? {
    switch source {
    case .none: return nil
    case .file(let name): return (name, try ImageOptions.read(FilePath(name)))
    case .last:
      guard let last = last.last else { throw Failure("there is no last image") }
      return (last.file.relativePath, last.result.image)
    }
  }

  // MARK: - Models

  /// The pipeline of the settings; read if it is not in memory.
  func pipeline() throws -> Pipeline { try pipeline(of: settings) }

  private func pipeline(of settings: DrawSettings) throws -> Pipeline {
    let directory = try Home.model(settings.model)
    if let index = loaded.firstIndex(where: { $0.directory == directory && $0.isFast == settings.isFast }) {
      loaded.append(loaded.remove(at: index))
    } else {
      let options = StableDiffusionModel.Options(previewDecoder: previewDecoder)
      try checkPreviewDecoder(directory, options)
      if loaded.count >= Self.mostLoaded { loaded.removeFirst() }
      let pipeline = try Pipeline(
        model: directory, textEncoder: Home.textEncoder, fast: settings.isFast, options: options, precision: precision,
        device: device)
      loaded.append((directory, settings.isFast, pipeline))
    }
    return loaded[loaded.count - 1].pipeline
  }

  /// Throws unless the decoder of previews is for this model and for those in memory.
  private func checkPreviewDecoder(_ model: URL, _ options: StableDiffusionModel.Options) throws {
    guard let previewDecoder else { return }
    let loaded = loaded.compactMap { ($0.pipeline.model as? StableDiffusionModel)?.sizes }
    let new = try Pipeline.sizes(ofModel: model, options: options) as? StableDiffusionModel.Configuration
    try StableDiffusionModel.Configuration.checkSharedPreviewDecoder(
      previewDecoder, for: loaded + [new].compactMap { $0 })
  }

  /// Changes the settings if their model can be read.
  private func load(_ body: (inout DrawSettings) -> Void) throws {
    var changed = settings
    body(&changed)
    try changed.checkStudent()
    let pipeline = try pipeline(of: changed)
    _ = try pipeline.outputSize(GenerationRequest(prompt: "", width: changed.width, height: changed.height))
    try change(body)
  }

  // MARK: - Images

  private func draw() throws {
    guard let prompt = settings.prompt else { throw Failure("there is no prompt yet") }
    try settings.checkStudent()
    let pipeline = try pipeline()
    let asked = try settings.request(
      prompt, defaults: pipeline.model.sampling ?? .standard, other: .random(in: 0...UInt64(UInt32.max)))
    let request = pipeline.student?.request(asked) ?? asked
    PromptAdvice.lines(on: prompt, "prompt", .plain, for: pipeline).forEach { say("flux: \($0)") }
    let progress = StepProgress(images: settings.count, quiet: false)
    defer {
      progress.clear()
      preview?.abandon()
    }
    let began = Date()
    var drawn: [(GeneratedImage, URL)] = []
    for start in stride(from: 0, to: settings.count, by: Self.together) {
      let batch = start..<min(start + Self.together, settings.count)
      let images = try pipeline.generate(request.image(start), count: batch.count) { step in
        if Interruption.isRequested { throw Stopped() }
        progress.show(images: batch, step: step.index, of: step.count)
        preview?.show(step, of: pipeline)
      }
      progress.clear()
      for image in images { drawn.append((image, try write(image))) }
    }
    last = drawn
    let seconds = Date().timeIntervalSince(began)
    let end = request.image(settings.count - 1)
    var seeds = request.seed == end.seed ? "seed \(request.seed)" : "seed \(request.seed)–\(end.seed)"
    if let first = request.variation?.seed, let last = end.variation?.seed {
      seeds += first == last ? ", variation seed \(first)" : ", variation seed \(first)–\(last)"
    }
    say("\(seeds), \((seconds * 100).rounded() / 100) s")
  }

  /// Images that are denoised together.
  private static let together = 4

  /// Writes an image under the next number, shows it and prints its name.
  private func write(_ image: GeneratedImage) throws -> URL {
    let bytes = try image.encoded(as: .png, metadata: true, quality: 95)
    do {
      try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
    } catch { throw Failure("the folder \(folder.text) cannot be created") }
    while true {
      number += 1
      let digits = String(number)
      let name = String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "-\(image.request.seed).png"
      let url = folder.url.appendingPathComponent(name)
      guard try AtomicFile.create(bytes, at: url) else { continue }  // another program draws into the folder as well
      preview?.finish(image.image)
      try printLine(url.relativePath)
      return url
    }
  }

  private func save(_ name: String?) throws {
    guard let last = last.last else { throw Failure("there is no image to save") }
    let target = FilePath(name ?? "\(slug(last.result.request.prompt))-\(last.result.request.seed).png")
    guard let format = ImageFile(ending: target.url.pathExtension) else {
      throw Failure("images are written as PNG, JPEG or WebP: the name \(target.text) must end in .png, .jpg or .webp")
    }
    let bytes = try last.result.encoded(as: format, metadata: true, quality: 95)
    guard try AtomicFile.create(bytes, at: target.url) else {
      throw Failure("\(target.text) exists already: choose another name")
    }
    try printLine(target.url.relativePath)
  }

  /// The letters and digits of a prompt, at most forty, joined by hyphens.
  private func slug(_ prompt: String) -> String {
    let words = prompt.lowercased().split { !$0.isLetter && !$0.isNumber }.joined(separator: "-")
    return words.isEmpty ? "image" : String(words.prefix(40))
  }
}
