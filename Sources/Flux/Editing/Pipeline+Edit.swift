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
    let schedule = pipeline.model.schedule
    let (layout, size) = try Self.sizes(request, pipeline.model.geometry)
    if let strength = request.variation?.strength, !(0...1).contains(strength) {
      throw GenerationError.variationStrength(strength)
    }
    (self.layout, self.size, self.request) = (layout, size, layout?.drawing(request) ?? request)
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

extension Pipeline {
  /// Where the denoising of a request starts: x, its step, and the part that is kept.
  ///
  /// `initial` draws the initial noise, `[B, C, h, w]`, from `source`: after that of the autoencoder's sample, as diffusers
  /// does, so that the same seed gives the same image.
  func start(
    of drawing: Drawing, _ source: NoiseSource, initial: () -> Tensor
  ) throws -> (latent: Tensor, step: Int, known: KnownRegion?) {
    let grid = drawing.grid
    guard let edit = drawing.request.edit, let layout = drawing.layout else {
      return (grid.initial(initial()).to(device), 0, nil)
    }
    let step = try grid.start(strength: edit.strength)
    let clean = try encode(layout.encoded(for: drawing.size), source)
    let noise = initial().to(device)
    guard let cells = layout.cells(for: drawing.size) else {
      return (grid.begun(clean.expanded(noise.shape), noise, at: step), step, nil)
    }
    let latent = drawing.size.latent
    let mask = Tensor(cells, shape: [1, 1, latent.height, latent.width]).to(device)
    let begin: Tensor
    switch edit.inpainting.fill {
    case .original: begin = clean
    case .blur:
      begin = clean * (1 - mask) + (try encode(layout.encoded(for: drawing.size, filled: true), source)) * mask
    case .noise: begin = clean * (1 - mask) + source.next().to(device) * mask
    case .empty: begin = clean * (1 - mask)
    }
    return (
      grid.begun(begin.expanded(noise.shape), noise, at: step), step,
      KnownRegion(latent: clean, noise: noise, mask: mask)
    )
  }

  /// The latent of an RGB image of whole cells, `[1, C, h, w]`, or with a row for each image where it is a sample.
  private func encode(_ image: Image, _ source: NoiseSource) throws(GenerationError) -> Tensor {
    let latent = withInference {
      model.encode(TensorImage.tensor([image]).to(device)) { source.next().to(device) }
    }
    guard latent.allFinite else { throw .notFinite(.encoder, step: nil, loras: []) }
    return latent
  }
}
