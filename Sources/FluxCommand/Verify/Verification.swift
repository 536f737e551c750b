import Flux
import Foundation
import Images
import Support

/// The result of checking one image.
struct Verification {
  /// The pixels of the file.
  enum Pixels: String { case intact, altered, unknown }
  /// The model and LoRAs that the image names.
  enum Weights: String {
    case match, missing, other
    case notChecked = "not_checked"
  }
  /// The init image and the mask of an image that was drawn from one.
  enum Images: String { case found, missing }
  /// The image drawn again.
  enum Redrawn: String {
    case identical, within, differs
    case notRun = "not_run"
  }

  private let file: FilePath
  private var failure: String?
  private var isFlux = false
  private var pixels = Pixels.unknown
  private var weights = Weights.notChecked
  private var images: Images?
  private var redrawn = Redrawn.notRun
  private var difference: PixelDifference?
  private var note: String?

  /// Checks a file; without a redrawer only its pixels.
  init(_ file: FilePath, _ redrawer: Redrawer?, tolerance: Int?) {
    self.file = file
    do {
      let bytes = try InputBytes.image(file)
      let image = try ImageFile.decode(bytes, file: file.text)
      guard let metadata = ImageMetadata(file: bytes), metadata.program == .flux else { return }
      isFlux = true
      if let record = metadata.record {
        pixels = ImageRecord.hash(of: image) == record.pixelsHash ? .intact : .altered
      }
      guard let redrawer else { return }
      let format = ImageFile(bytes) ?? .png
      try redraw(Replay(file, metadata), image, format, redrawer, tolerance)
    } catch { failure = "\(error)" }
  }

  private mutating func redraw(
    _ replay: Replay, _ image: Image, _ format: ImageFile, _ redrawer: Redrawer, _ tolerance: Int?
  ) throws {
    let artist: Redrawer.Artist
    let request: GenerationRequest
    switch try redrawer.artist(for: replay) {
    case .found(let found, let complete): (artist, request) = (found, complete)
    case .withoutImage(let reason):
      (weights, images, note) = (.match, .missing, reason)
      return
    case .missing(let reason):
      (weights, note) = (.missing, reason)
      return
    case .other(let reason):
      (weights, note) = (.other, reason)
      return
    }
    weights = .match
    if request.edit != nil { images = .found }
    let record = replay.metadata.record
    let tolerance = tolerance ?? (redrawer.isSameMachinery(as: record) ? 0 : 2)
    func compare(_ drawn: Image) throws -> PixelDifference? {
      let drawn = record?.isResized == true ? drawn.fitted(width: image.width, height: image.height, .cover) : drawn
      let quality = record?.quality ?? 95
      let again = format == .png ? drawn : try ImageFile.decode(format.encode(drawn, quality: quality), file: file.text)
      return PixelDifference(image, again, tolerance: tolerance)
    }
    difference = try compare(artist.draw(request, count: 1)[0])
    // In a batch the last bits of latents differ. A file may name any numbers.
    if difference?.largest != 0, let batch = record?.run?.batch, (2...Generate.largestBatch).contains(batch.count),
      (0..<batch.count).contains(batch.index)
    {
      let together = try compare(artist.draw(request, in: batch))
      if let together, together.largest < difference?.largest ?? 256 { difference = together }
    }
    guard let difference else {
      (redrawn, note) = (.differs, "it has another size")
      return
    }
    redrawn = difference.largest == 0 ? .identical : difference.largest <= tolerance ? .within : .differs
  }

  /// The exit code that this image alone gives.
  var code: Int32 {
    if failure != nil { return 1 }
    if !isFlux { return 5 }
    if pixels == .altered || redrawn == .differs { return 3 }
    if weights == .missing || weights == .other || images == .missing { return 4 }
    return pixels == .unknown && redrawn == .notRun ? 5 : 0
  }

  /// The result in a word or two, for counts.
  var summary: String {
    switch code {
    case 0: redrawn == .notRun ? "intact" : redrawn.rawValue
    case 1: "unreadable"
    case 3: pixels == .altered ? "altered" : "drawn differently"
    case 4: images == .missing ? "without their init image or mask" : "without their model"
    default: "without metadata of Flux"
    }
  }

  /// The result in words.
  var sentence: String {
    if let failure { return failure }
    if !isFlux { return "no metadata of Flux" }
    var parts = ["pixels \(pixels.rawValue)"]
    switch weights {
    case .match:
      parts.append("model matches")
      if images == .missing { parts.append(note ?? "init image missing") }
    case .missing, .other: parts.append(note ?? "model \(weights.rawValue)")
    case .notChecked: break
    }
    if redrawn != .notRun {
      let how = redrawn == .within ? "within the tolerance" : redrawn.rawValue
      let numbers = difference.map { difference in
        difference.largest == 0
          ? "" : " (largest difference \(difference.largest), mean \(Self.shown(difference.mean)) of 255)"
      }
      parts.append("drawn again: \(how)" + (numbers ?? " (\(note ?? ""))"))
    }
    return parts.joined(separator: ", ")
  }

  /// The result as a JSON object.
  var json: JSONValue {
    var facts = Facts()
    facts.add("file", file.text)
    if let failure {
      facts.add("error", failure)
      return facts.json
    }
    facts.add("pixels", isFlux ? pixels.rawValue : "no_metadata")
    facts.add("model", weights.rawValue)
    facts.add("init", images?.rawValue)
    facts.add("result", redrawn.rawValue)
    facts.add("max", difference?.largest)
    facts.add("mean", difference?.mean)
    facts.add("exceeding", difference?.exceeding)
    facts.add("note", note)
    return facts.json
  }

  private static func shown(_ value: Double) -> String {
    value < 0.0001 ? "under 0.0001" : "\((value * 10_000).rounded() / 10_000)"
  }
}
