import ArgumentParser
import Foundation
import Images

/// The options that show images.
struct PreviewOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Show unfinished images: in the terminal (auto, kitty, iterm, sixel or blocks), nowhere (none), or in a file whose \
      name ends in .png, .jpg or .webp and which holds the finished image in the end. They take at most a fifth of the \
      time. auto shows them on a terminal, without --quiet and --json, and half blocks only without NO_COLOR.
      """, valueName: "mode"))
  var preview: PreviewMode = .auto
  @Option(
    help: ArgumentHelp(
      "Show an unfinished image every N steps, 1 to 1000, whatever time that takes (default: by time).", valueName: "n")
  )
  var previewEvery: Int?
  @Option(help: PreviewDecoderOption.help) var previewDecoder: FilePath?
  @Flag(
    help: """
      Show the finished images in the terminal, or with --grid their contact sheet. Without --output no image is written.
      """)
  var show = false

  func validate() throws {
    try preview.check()
    try CountLimit.check("--preview-every", previewEvery, to: 1000)
    guard case .none = preview else { return }
    for (name, isGiven) in [("--preview-every", previewEvery != nil), ("--preview-decoder", previewDecoder != nil)]
    where isGiven {
      throw ValidationError("--preview none shows no unfinished images: remove \(name)")
    }
  }

  /// Throws for options of image files where none is written.
  func check(output: FilePath?, _ options: [(name: String, isGiven: Bool)]) throws {
    guard show, output == nil else { return }
    let given = options.filter(\.isGiven).map(\.name)
    if given.isEmpty { return }
    throw ValidationError(
      "--show without --output writes no image: remove \(given.joined(separator: ", ")), or give --output")
  }

  /// The file of `--preview`, if it is one.
  var file: FilePath? { if case .file(let file) = preview { file } else { nil } }

  /// How finished images are shown, nil without `--show`; throws where that is impossible.
  func graphicsOfShow() throws(Failure) -> TerminalGraphics? {
    guard show else { return nil }
    guard isatty(STDERR_FILENO) == 1 else {
      throw Failure("--show needs a terminal, and standard error is none: write files with --output", code: 2)
    }
    let environment = ProcessInfo.processInfo.environment
    guard let graphics = preview.graphicsOfShow(environment: environment) else {
      throw Failure(
        "--show: the terminal shows no images (TERM is \(environment["TERM"] ?? "not set")): say how with --preview, or"
          + " write files with --output", code: 2)
    }
    return graphics
  }

  /// What shows images; nil if nothing does.
  ///
  /// `isQuiet` is where nobody reads what `auto` would show.
  func open(isQuiet: Bool, hasSheet: Bool) throws(Failure) -> ImagePreview? {
    var mode = preview
    if isQuiet, case .auto = mode { mode = .none }
    return ImagePreview(mode, every: previewEvery, finished: try graphicsOfShow(), showsEach: !hasSheet)
  }

  /// The options of a call, `names`, over these.
  func replaced(by given: PreviewOptions, _ names: [String]) -> PreviewOptions {
    var options = self
    if names.contains("--preview") {
      options.preview = given.preview
      if case .none = given.preview { (options.previewEvery, options.previewDecoder) = (nil, nil) }
    }
    if names.contains("--preview-every") { options.previewEvery = given.previewEvery }
    if names.contains("--preview-decoder") { options.previewDecoder = given.previewDecoder }
    options.show = show || given.show
    return options
  }

  /// The same options in every folder.
  var absolute: PreviewOptions {
    var options = self
    if let file { options.preview = .file(FilePath(file.url.path)) }
    options.previewDecoder = previewDecoder.map { FilePath($0.url.path) }
    return options
  }

  /// The options as arguments.
  var arguments: [String] {
    let mode: String? =
      switch preview {
      case .auto: nil
      case .none: "none"
      case .terminal(let graphics): graphics.rawValue
      case .file(let file): file.text
      case .unknown(let text): text
      }
    return (mode.map { ["--preview", $0] } ?? []) + (previewEvery.map { ["--preview-every", "\($0)"] } ?? [])
      + (previewDecoder.map { ["--preview-decoder", $0.text] } ?? []) + (show ? ["--show"] : [])
  }
}

/// `--preview-decoder`, which several commands have.
enum PreviewDecoderOption {
  static let help = ArgumentHelp(
    "Directory of an AutoencoderTiny (TAESD) whose decoder draws previews of models of Stable Diffusion.",
    valueName: "dir")
}
