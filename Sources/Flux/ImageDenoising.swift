import Diffusion
import Images
import Torch

/// Images that are denoised together: their steps, and the image of any latent on the way.
///
/// For callers that show, stop or finish images themselves, such as a server; `Pipeline.generate` does all stages at once.
public struct ImageDenoising {
  /// The steps, each made when it is asked for; row k of every latent belongs to image k.
  public let steps: Denoising
  /// The request of every image, without settings that change nothing.
  public let requests: [GenerationRequest]
  private let pipeline: Pipeline
  private let size: OutputSize
  private let layout: EditLayout?
  private let tokens: Int?

  init(
    _ steps: Denoising, of requests: [GenerationRequest], along grid: TimeGrid, size: OutputSize, layout: EditLayout?,
    tokens: Int? = nil, with pipeline: Pipeline
  ) {
    (self.steps, self.size, self.layout, self.tokens, self.pipeline) = (steps, size, layout, tokens, pipeline)
    self.requests = requests.map { $0.effective(along: grid, at: size) }
  }

  /// The image of a latent `[1, C, h, w]`; what an edit keeps is pasted around it.
  ///
  /// Throws where the decoder gives NaN or infinity.
  public func image(of latent: Tensor) throws(GenerationError) -> Image {
    let image = try pipeline.decodeLatents(latent, size: size)[0]
    return layout?.pasted(image) ?? image
  }

  /// The finished image of row k with its origin: request, model, and how it was computed on this thread.
  public func generated(_ image: Image, row: Int) -> GeneratedImage {
    GeneratedImage(
      image: image, request: requests[row], source: pipeline.source,
      run: GenerationRun(
        on: pipeline.device, pipeline.precision, image: row, of: requests.count, tokens: tokens))
  }

  /// The image of an unfinished latent `[1, C, h, w]`, as `Pipeline.previewImages` makes it, at the decoder's own size where
  /// that is quicker; what a mask keeps is pasted around it.
  public func preview(of latent: Tensor) throws(GenerationError) -> Image {
    guard let layout, layout.mask != nil else { return try pipeline.previewImages(of: latent)[0] }
    return layout.pasted(try pipeline.previewImages(of: latent, size: size)[0])
  }
}

extension Pipeline {
  /// Begins `count` images that are denoised together: image k is that of `request.image(k)`.
  ///
  /// Throws where this model cannot draw the request, or where a network gives NaN or infinity.
  public func denoising(_ request: GenerationRequest, count: Int = 1) throws -> ImageDenoising {
    guard count > 0 else { fatalError("a batch of \(count) images") }
    let drawing = try Drawing(request, self)
    let text = try encodeText(request.prompt, negative: request.negativePrompt, syntax: request.promptSyntax)
    return ImageDenoising(
      try denoise(text, drawing, count: count), of: request.batch(count), along: drawing.grid, size: drawing.size,
      layout: drawing.layout, with: self)
  }

  /// Begins one image for each of the requests, which can share a batch; traps if they cannot.
  ///
  /// Throws as `denoise(together:)`.
  public func denoising(together requests: [GenerationRequest]) throws -> ImageDenoising {
    let text = try encodeTexts(of: requests, tokens: nil)
    return ImageDenoising(
      try denoise(requests, text.rows), of: requests, along: try timeGrid(requests[0]),
      size: try outputSize(requests[0]), layout: nil, tokens: text.tokens, with: self)
  }
}
