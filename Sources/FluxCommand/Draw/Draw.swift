import ArgumentParser
import Flux
import Foundation
import Support
import Torch

/// `flux draw`: a prompt a line, with the model in memory.
struct Draw: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws interactively: a line is a prompt, and the model stays in memory.",
    discussion: """
      An empty line draws the last prompt with the next seed. Commands begin with a slash; /help lists them. Ctrl-C stops \
      the image that is being drawn, Ctrl-D ends. Lines of a file or a pipe are drawn as well; the exit code is 1 if one \
      of them failed.

      EXAMPLES
        flux draw
        flux draw --fast --output sketches
        printf 'a red apple\\n/steps 30\\n/again\\n' | flux draw

      COMMANDS

      """ + DrawLine.helpLines.map { "  " + $0 }.joined(separator: "\n"))

  @Option(
    name: [.short, .long], help: "A model directory or the name of a bundled model.", completion: Completions.models)
  var model: FilePath?
  @Option(name: [.short, .long], help: "Folder of the images, which are numbered.") var output = FilePath("drawings")
  @Flag(help: "Use the model's few-step student (flux distill), which has fixed steps and guidance.")
  var fast = false
  @Option(
    help: """
      Compute precision: float32, or bfloat16, which takes half the memory and is faster on GPUs and on CPUs with AVX-512 \
      BF16 or AMX.
      """)
  var precision: Precision = .float32
  @Option(
    help: ArgumentHelp(
      "Show images in the terminal (auto, kitty, iterm, sixel or blocks), nowhere (none), or in a file that ends in .png.",
      valueName: "mode"))
  var preview: PreviewMode = .auto
  @Option(help: PreviewDecoderOption.help) var previewDecoder: FilePath?
  @Option(name: [.short, .long], help: "Seed of the first image.") var seed: UInt64 = 42
  @Flag(help: "Neither read nor write the history of lines, ~/.local/state/flux/history.") var noHistory = false
  @Option(help: "Device: cpu, cuda or cuda:N.", completion: Completions.devices) var device: String = "cpu"
  @Option(name: [.short, .long], help: "CPU threads (default: all cores).") var threads: Int?

  func validate() throws {
    try preview.check()
    if previewDecoder != nil, case .none = preview {
      throw ValidationError("--preview none shows no unfinished images: remove --preview-decoder")
    }
    try ThreadCount.check(threads)
  }

  func run() throws {
    let device = try Device(flag: device)
    if let threads { Libtorch.threads = threads }
    try OutputFile.checkFolder(output.url)
    let input = LineInput(history: noHistory ? nil : KeptFiles.history)
    defer { input.close() }
    var settings = DrawSettings()
    (settings.model, settings.isFast, settings.seed) = (model, fast, seed)
    let session = DrawSession(
      settings, folder: output, preview: ImagePreview(preview), decoder: previewDecoder?.url, precision, device: device)
    let pipeline = try session.pipeline()
    Interruption.catchSignals()
    if input.isInteractive {
      let size = pipeline.model.geometry.imageSize
      say("\(pipeline.source.name), \(size)×\(size). A line is a prompt; /help lists the commands, Ctrl-D ends.")
    }
    var hasFailed = false
    while let line = input.next() {
      Interruption.reset()
      do {
        guard try session.take(line) else { break }
      } catch is DrawSession.Stopped {
        say("stopped")
        if !input.isInteractive { throw ExitCode(130) }
      } catch {
        hasFailed = true
        say(Console.printable("flux: \(FluxCommand.sentence(about: error).text)", lineBreaks: false))
      }
    }
    if input.isInteractive { say("") }
    if hasFailed, !input.isInteractive { throw ExitCode(1) }
  }
}
