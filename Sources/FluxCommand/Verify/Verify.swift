import ArgumentParser
import Flux
import Foundation
import Images
import Support
import Torch

/// `flux verify`: checks that images are what their metadata says.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks images of Flux: their pixels, their model, and whether they can be drawn again.",
    discussion: """
      The metadata holds a hash of the pixels, which shows any later change, and everything that is needed to draw the \
      image again; of an init image and a mask only their hashes, by which they are found in the working folder or \
      beside the image. The tolerance is 0 if version, device and libtorch are those of the image, else 2.

      EXAMPLES
        flux verify apple.png
        flux verify images/ --pixels-only
        flux verify apple.png -m runs/mine/model --json
        flux verify green.png -i apple.png
      EXIT CODES
        0 all images are as stated, 3 pixels were altered or the image is drawn differently, 4 the model or a LoRA is \
      missing or has other weights, or an init image or mask is missing, 5 no metadata of Flux, 1 a file cannot be read. The first of 1, 3, 4, 5 that applies \
      to any image.
      """)

  @Argument(help: "Images, and folders of images with all folders in them; - is standard input.")
  var files: [FilePath]
  @Flag(help: "Only compare the hash of the pixels: fast, and no model is needed.") var pixelsOnly = false
  @Option(
    name: [.short, .long],
    help: "A model directory, a .safetensors file, or a name (default: the model that the image names).",
    completion: Completions.models)
  var model: FilePath?
  @Option(help: "A LoRA file that an image names; can be repeated.") var lora: [FilePath] = []
  @Option(help: "The autoencoder that an image names, if it is not the model's own.") var vae: FilePath?
  @Option(
    name: [.customShort("i"), .customLong("init-img")], help: "An init image that an image names; can be repeated.",
    completion: Completions.images)
  var initImage: [FilePath] = []
  @Option(help: "A mask that an image names; can be repeated.", completion: Completions.images) var mask: [FilePath] =
    []
  @Option(help: "The largest difference of a byte that counts as the same image, 0 to 255.") var tolerance: Int?
  @Option(help: "Device: cpu, cuda or cuda:N.", completion: Completions.devices) var device: String = "cpu"
  @Option(name: [.short, .long], help: "CPU threads (default: those of the image).") var threads: Int?
  @Flag(help: "Print JSON, one line for each image.") var json = false
  @Flag(name: [.short, .long], help: "Print only images that are not as stated.") var quiet = false

  func validate() throws {
    if let tolerance, !(0...255).contains(tolerance) {
      throw ValidationError("--tolerance \(tolerance) must be 0 to 255")
    }
    try ThreadCount.check(threads)
    if pixelsOnly {
      let given = [
        ("--model", model != nil), ("--lora", !lora.isEmpty), ("--tolerance", tolerance != nil),
        ("--threads", threads != nil), ("--vae", vae != nil), ("--init-img", !initImage.isEmpty),
        ("--mask", !mask.isEmpty),
      ].filter(\.1).map(\.0)
      if !given.isEmpty {
        throw ValidationError("--pixels-only draws nothing: remove \(given.joined(separator: ", "))")
      }
    }
  }

  func run() throws {
    let images = try images()
    // Otherwise one that is not there would only not be found.
    for file in initImage + mask { _ = try ImageOptions.read(file) }
    let redrawer =
      pixelsOnly
      ? nil
      : Redrawer(
        model: model, vae: vae, loras: lora, images: initImage + mask, device: try Device(flag: device), threads)
    var codes: Set<Int32> = []
    var counts: [String: Int] = [:]
    for file in images {
      let outcome = Verification(file, redrawer, tolerance: tolerance)
      codes.insert(outcome.code)
      counts[outcome.summary, default: 0] += 1
      if quiet, outcome.code == 0 { continue }
      try printLine(json ? outcome.json.text : "\(file.text): \(outcome.sentence)")
    }
    if images.count > 1, !json {
      let parts = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
      say("\(images.count) images: \(parts.joined(separator: ", "))")
    }
    if let code = [1, 3, 4, 5].first(where: codes.contains) { throw ExitCode(code) }
  }

  /// The files, and those in folders by their endings.
  private func images() throws(Failure) -> [FilePath] {
    var images: [FilePath] = []
    for file in files {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder), isFolder.boolValue else {
        images.append(file)
        continue
      }
      let names = (try? FileManager.default.subpathsOfDirectory(atPath: file.path)) ?? []
      let found = names.filter { name in
        let url = URL(fileURLWithPath: name)
        return ImageFile.extensions.contains(url.pathExtension.lowercased()) && !url.lastPathComponent.hasPrefix(".")
      }
      if found.isEmpty { throw Failure("the folder \(file.text) has no images") }
      let folder = file.text.hasSuffix("/") ? file.text : file.text + "/"
      images += found.sorted().map { FilePath(folder + $0) }
    }
    return images
  }
}
