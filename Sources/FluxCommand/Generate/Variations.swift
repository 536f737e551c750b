import ArgumentParser
import Flux
import Foundation
import Support

/// `flux variations`: images like one that there is.
///
/// It calls `flux generate`, which takes what the image says for every option that is not on the command line: so no option
/// here may have the name of one of those, such as `--seed`, and another meaning.
struct Variations: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws variations of an image.",
    discussion: """
      An image that flux generate wrote is drawn again with its own settings and other noise near its own \
      (--variation-strength). The settings of other programs' images are read as --replay reads them. An image without \
      settings, such as a photo, is the start of image-to-image.

      EXAMPLES
        flux variations apple.png -b 4 -o apples/
        flux variations apple.png --amount 0.2 --grid apples.png -o apples/
        flux variations photo.jpg -p "a house" -o houses/
      """)

  @Argument(help: "The image: PNG, JPEG or WebP.", completion: Completions.images) var image: FilePath
  @Option(
    help: """
      How far variations are from the image, above 0 and up to 1; --strength of image-to-image for an image without \
      settings (default: 0.5).
      """)
  var amount: Double?
  @Option(
    name: [.short, .customLong("batch-count"), .customLong("image-count")], help: "Number of variations.")
  var batchCount: Int = 4
  @Option(
    parsing: .unconditional,
    help: """
      Second seed of the first variation, and one more for each further one; the seed of image-to-image for an image \
      without settings. A negative number selects a random seed, which is printed.
      """)
  var variationSeed: Generate.Seed = Generate.Seed(value: 1)
  @Option(name: [.short, .long], help: "Another prompt than the image's.") var prompt: String?
  @Option(name: [.short, .long], help: "Another model than the image's.", completion: Completions.models) var model:
    FilePath?
  @Option(
    name: [.customShort("i"), .customLong("init-img")],
    help: "The init image that the image was drawn from (default: looked for beside it and in the working folder).",
    completion: Completions.images)
  var initImage: FilePath?
  @Option(help: "The mask that the image was drawn with; looked for in the same way.", completion: Completions.images)
  var mask: FilePath?
  @Option(
    name: [.short, .long],
    help: "A folder, a name with %d in it, or a name to which -1, -2, … is added (default: variations/).")
  var output: FilePath?
  @Option(help: "PNG file for a contact sheet of all variations.") var grid: FilePath?
  @Flag(help: "Refuse to overwrite existing files.") var noOverwrite = false
  @Option(help: "Device: cpu, cuda or cuda:N.", completion: Completions.devices) var device: String = "cpu"
  @Option(name: [.short, .long], help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(help: "Print JSON, one line for each image: its file, seed, prompt and parameters.") var json = false
  @OptionGroup(title: "Showing images") var previewing: PreviewOptions
  @Flag(name: [.short, .long], help: "No progress output.") var quiet = false

  /// The folder without `--output`.
  static let defaultOutput = FilePath("variations/")

  func validate() throws {
    try previewing.check(output: output, [("--no-overwrite", noOverwrite && grid == nil)])
    if let amount, !(amount > 0 && amount <= 1) {
      throw ValidationError("--amount \(amount.shown) must be above 0 and at most 1")
    }
    if !(1...10_000).contains(batchCount) {
      throw ValidationError("--batch-count \(batchCount) must be 1 to 10000")
    }
  }

  func run() throws { try draw(goingOnWith: nil) }

  /// Draws the variations, or those that an interruption of the call left.
  func draw(goingOnWith resumption: Resumption?) throws {
    let bytes = try FileSlice(path: image.path).read(limit: 1 << 30)
    var arguments = ["--batch-count", "\(batchCount)", "--device", device] + previewing.arguments
    func pass(_ name: String, _ value: String?) { if let value { arguments += [name, value] } }
    pass("--output", (previewing.show ? output : output ?? Self.defaultOutput)?.text)
    pass("--model", model?.text)
    pass("--grid", grid?.text)
    pass("--threads", threads.map(String.init))
    if noOverwrite { arguments.append("--no-overwrite") }
    if quiet { arguments.append("--quiet") }
    if json { arguments.append("--json") }
    if let metadata = ImageMetadata(file: bytes) {
      if metadata.request().request.variation != nil {
        say("flux: \(image.text) is a variation itself: these are variations of the image of its first seed")
      }
      pass("--prompt", prompt)
      pass("--init-img", initImage?.text)
      pass("--mask", mask?.text)
      arguments += ["--replay", image.text, "--variation-strength", (amount ?? 0.5).shown]
      arguments += ["--variation-seed", "\(variationSeed.value)"]
    } else {
      if initImage != nil || mask != nil {
        throw ValidationError(
          "\(image.text) has no settings and is the init image itself: remove --init-img and --mask")
      }
      say("flux: \(image.text) has no settings to draw it again: it is the start of image-to-image")
      arguments += ["--prompt", prompt ?? "", "--init-img", image.text, "--strength", (amount ?? 0.5).shown]
      arguments += ["--seed", "\(variationSeed.value)"]
    }
    if variationSeed.isRandom, !quiet { say("variation seed \(variationSeed.value)") }
    let generate = try Generate.parse(arguments)
    try generate.draw(goingOnWith: resumption)
  }
}
