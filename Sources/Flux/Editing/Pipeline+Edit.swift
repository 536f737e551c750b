import Diffusion
import Images
import Models
import NN
import Torch

/// What a pipeline needs to know before it draws a request.
struct Drawing {
  /// The request, with the width and height that are drawn.
  let request: GenerationRequest
  /// The edit in pixels; nil if there is none.
  let layout: EditLayout?
  /// The sizes between latents and drawn image.
  let size: OutputSize
  /// The times of all steps.
  let grid: TimeGrid

  init(_ request: GenerationRequest, _ pipeline: Pipeline) throws {
    let model = pipeline.model
    try self.init(request, model.schedule, model.geometry, readsSurroundings: model.readsSurroundings)
  }

  init(
    _ request: GenerationRequest, _ schedule: Schedule, _ geometry: ImageGeometry, readsSurroundings: Bool
  ) throws {
    let (layout, size) = try Self.sizes(request, geometry)
    if let strength = request.variation?.strength, !(0...1).contains(strength) {
      throw GenerationError.variationStrength(strength)
    }
    (self.layout, self.size, self.request) = (layout, size, layout?.drawing(request) ?? request)
    if readsSurroundings, layout?.mask == nil { throw GenerationError.edit(.maskNeeded) }
    grid = try TimeGrid(schedule, kind: request.sampler, steps: request.steps, spacing: request.spacing)
  }

  /// The layout of a request's edit, and the sizes at which it is drawn.
  static func sizes(
    _ request: GenerationRequest, _ model: ImageGeometry
  ) throws(GenerationError) -> (layout: EditLayout?, size: OutputSize) {
    // Without a mask the whole request is drawn, and its size is checked before images are resized to it.
    if request.edit?.isInpainting != true {
      let size = try OutputSize(request, model)
      return (try Self.layout(request, model), size)
    }
    let layout = try Self.layout(request, model)
    return (layout, try OutputSize(layout?.drawing(request) ?? request, model))
  }

  private static func layout(
    _ request: GenerationRequest, _ model: ImageGeometry
  ) throws(GenerationError) -> EditLayout? {
    do throws(EditError) {
      return try EditLayout(request, model)
    } catch { throw .edit(error) }
  }
}

/// Where the denoising of a request starts.
struct DenoisingStart {
  /// x at the first step, `[B, C, h, w]`.
  let latent: Tensor
  /// The step that is made first.
  let step: Int
  /// The part that is kept by mixing it in; nil redraws everything.
  var known: KnownRegion?
  /// What a network for inpainting reads beside x, `[1 or B, C + 1, h, w]`: the mask, and the latents around it.
  var surroundings: Tensor?

  /// The input of the network for `x`, which may have the rows of several branches.
  func beside(_ x: Tensor) -> Tensor {
    guard let surroundings else { return x }
    let rows = [Tensor](repeating: surroundings, count: x.shape[0] / surroundings.shape[0])
    return Tensor.cat([x, .cat(rows)], dim: 1)
  }
}

extension Pipeline {
  /// Where the denoising of a request starts.
  ///
  /// `initial` draws the initial noise, `[B, C, h, w]`, from `source`: after that of the autoencoder's sample, as diffusers
  /// does, so that the same seed gives the same image.
  func start(of drawing: Drawing, _ source: NoiseSource, initial: () -> Tensor) throws -> DenoisingStart {
    let grid = drawing.grid
    guard let edit = drawing.request.edit, let layout = drawing.layout else {
      return DenoisingStart(latent: grid.initial(initial()).to(device), step: 0)
    }
    let step = try grid.start(strength: edit.strength)
    // A network for inpainting that starts from noise alone has no use for the image's own latents.
    let isNoise = model.readsSurroundings && step == 0
    let clean = isNoise ? nil : try encode(layout.encoded(for: drawing.size), source)
    let noise = initial().to(device)
    guard let cells = layout.cells(for: drawing.size) else {
      return DenoisingStart(latent: grid.begun(clean?.expanded(noise.shape) ?? noise, noise, at: step), step: step)
    }
    let latent = drawing.size.latent
    let mask = Tensor(cells, shape: [1, 1, latent.height, latent.width]).to(device)
    var begin = noise
    if let clean {
      begin = try filled(clean, under: mask, edit.inpainting.fill, drawing, source).expanded(noise.shape)
    }
    var start = DenoisingStart(latent: grid.begun(begin, noise, at: step), step: step)
    if model.readsSurroundings {
      start.surroundings = try surroundings(layout, drawing.size, mask: mask, source)
    } else if let clean {
      start.known = KnownRegion(latent: clean, noise: noise, mask: mask)
    }
    return start
  }

  /// The latents of an image with what `fill` says under the mask.
  private func filled(
    _ clean: Tensor, under mask: Tensor, _ fill: Inpainting.Fill, _ drawing: Drawing, _ source: NoiseSource
  ) throws(GenerationError) -> Tensor {
    switch fill {
    case .original: return clean
    case .blur:
      guard let layout = drawing.layout else { fatalError("a mask belongs to an edit") }
      return clean * (1 - mask) + (try encode(layout.encoded(for: drawing.size, filled: true), source)) * mask
    case .noise: return clean * (1 - mask) + source.next().to(device) * mask
    case .empty: return clean * (1 - mask)
    }
  }

  /// The mask, and the latents of the image with mid-gray under it, as networks for inpainting were trained.
  private func surroundings(
    _ layout: EditLayout, _ size: OutputSize, mask: Tensor, _ source: NoiseSource
  ) throws(GenerationError) -> Tensor {
    guard let kept = layout.keptPixels(for: size) else { fatalError("a mask has kept pixels") }
    let shape = [1, 1, size.base.height, size.base.width]
    let latents = try encode(layout.encoded(for: size), source, kept: Tensor(kept, shape: shape))
    return Tensor.cat([mask.expanded([latents.shape[0]] + mask.shape.dropFirst()), latents], dim: 1)
  }

  /// The latent of an RGB image of whole cells, `[1, C, h, w]`, or with a row for each image where it is a sample.
  ///
  /// Pixels are times `kept`, `[1, 1, H, W]`.
  private func encode(
    _ image: Image, _ source: NoiseSource, kept: Tensor? = nil
  ) throws(GenerationError) -> Tensor {
    try prepare(.autoencoder)
    let latent = withInference {
      let pixels = TensorImage.tensor([image])
      return model.encode((kept.map { pixels * $0 } ?? pixels).to(device)) { source.next().to(device) }
    }
    guard latent.allFinite else { throw .notFinite(.encoder, step: nil, loras: []) }
    return latent
  }
}
