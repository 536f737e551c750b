import Foundation
import Images
import Scenes

/// The scores of reconstructed scenes, which limit those of models on these latents.
public struct AutoencoderReport: Sendable, Encodable {
  /// Images grouped by the size of their smallest object.
  public struct Band: Sendable, Encodable {
    /// Range of the longer side of that object, in pixels of the image.
    public let pixels: Range<Int>
    /// Fidelity of each reconstruction.
    public private(set) var fidelity: [Fidelity] = []
    /// Verdicts on the reconstructions.
    public private(set) var reconstructed = Scorecard()
    /// Verdicts on the renders, which limit those on reconstructions.
    public private(set) var rendered = Scorecard()
    /// Sharpness of the reconstructions relative to the renders.
    public private(set) var sharpness = Sharpness()

    mutating func add(
      _ fidelity: Fidelity, _ sharpness: SharpnessSample, reconstructed: [Judge.Verdict], rendered: [Judge.Verdict]
    ) {
      self.fidelity.append(fidelity)
      self.sharpness.add(sharpness)
      self.reconstructed.add(reconstructed)
      self.rendered.add(rendered)
    }
  }

  /// Name of the model whose autoencoder was measured.
  public let model: String
  /// `ModelSource.hash` of the model.
  public let modelHash: String
  /// The world of the scenes.
  public let world: World
  /// Version of the renderer.
  public let scenesVersion: Int
  /// Seed of the scenes.
  public let seed: UInt64
  /// Standard deviation of the noise added to normalized latents before decoding.
  public let latentNoise: Double
  /// Fidelity of each reconstruction, in the order of the scenes.
  public private(set) var fidelity: [Fidelity] = []
  /// Verdicts on the reconstructions by templates.
  public private(set) var reconstructed = Scorecard()
  /// Verdicts on the renders by templates, which limit those on reconstructions.
  public private(set) var rendered = Scorecard()
  /// Verdicts on the reconstructions by the learned judge; empty without one.
  public private(set) var learnedReconstructed = Scorecard()
  /// Sharpness of the reconstructions relative to the renders.
  public private(set) var sharpness = Sharpness()
  /// The same metrics by the size of the smallest object, from small to large.
  public private(set) var bands: [Band]

  /// An empty report for images of `size` × `size` pixels.
  public init(
    model: String, modelHash: String, world: World, version: RenderingVersion, seed: UInt64, size: Int,
    latentNoise: Double = 0
  ) {
    self.model = model
    self.modelHash = modelHash
    self.world = world
    scenesVersion = version.rawValue
    self.seed = seed
    self.latentNoise = latentNoise
    let bounds = [0, 96, 160, 256, 512].map { $0 * size / 512 }
    bands = zip(bounds, bounds.dropFirst()).map { Band(pixels: $0..<$1) }
  }

  /// Adds a scene's render and its reconstruction; `sharpness` compares the two, `learned` is the second judge.
  public mutating func add(
    _ scene: CaptionedScene, render: Image, reconstruction: Image, sharpness: SharpnessSample, judge: Judge,
    learned: Judge?
  ) {
    let fidelity = Fidelity(of: reconstruction, to: render)
    let (reconstructed, rendered) = (judge.judge(reconstruction, against: scene), judge.judge(render, against: scene))
    self.fidelity.append(fidelity)
    self.sharpness.add(sharpness)
    self.reconstructed.add(reconstructed)
    self.rendered.add(rendered)
    if let learned { learnedReconstructed.add(learned.judge(reconstruction, against: scene)) }
    let smallest = Int((scene.scene.objects.map(\.side).min() ?? 0) * Double(render.width))
    guard let band = bands.firstIndex(where: { $0.pixels.contains(smallest) }) else { return }
    bands[band].add(fidelity, sharpness, reconstructed: reconstructed, rendered: rendered)
  }

  /// The report as JSON.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// The report as text, without empty size bands.
  public var table: String {
    let head = "smallest object, pixels  PSNR, dB    SSIM  edge F1  object, % right  renders  images"
    let filled = bands.filter { !$0.fidelity.isEmpty }.map { band in
      (name: "\(band.pixels.lowerBound)–\(band.pixels.upperBound - 1)", band: band)
    }
    let rows = filled.map { row($0.name, $0.band.fidelity, $0.band.reconstructed, $0.band.rendered) }
    let others = [Judge.Aspect.color, .place].map { aspect in
      "\(aspect.rawValue) \(percent(reconstructed[aspect])) (\(percent(rendered[aspect])))"
    }
    let learned =
      learnedReconstructed[.object].count > 0
      ? " Objects by the learned judge: \(percent(learnedReconstructed[.object])) %." : ""
    let sharp = Sharpness.Values.table(
      filled.map { ($0.name, $0.band.sharpness.values) } + [("all", sharpness.values)])
    let noise = latentNoise > 0 ? ["Noise with standard deviation \(latentNoise) was added to the latents."] : []
    return
      ([head] + rows + [row("all", fidelity, reconstructed, rendered), ""] + TextTable.lines(sharp) + [""] + noise
      + ["% right (of renders): \(others.joined(separator: ", ")).\(learned)"]).joined(separator: "\n")
  }

  private func row(_ name: String, _ all: [Fidelity], _ reconstructed: Scorecard, _ rendered: Scorecard) -> String {
    let mean = Fidelity.mean(all) ?? Fidelity(psnr: 0, ssim: 0, edges: 0)
    return name.padding(toLength: 23, withPad: " ", startingAt: 0)
      + String(format: "%10.2f  %6.4f  %7.3f", mean.psnr, mean.ssim, mean.edges)
      + String(
        format: "%17.1f  %7.1f  %8d", 100 * reconstructed[.object].share, 100 * rendered[.object].share, all.count)
  }

  private func percent(_ tally: Scorecard.Tally) -> String { String(format: "%.1f", 100 * tally.share) }
}
