import Diffusion

extension GenerationRequest {
  /// The request without the settings that change nothing, which draws the same picture.
  ///
  /// Eta is DDIM's alone. Without guidance nothing is led away from a negative prompt, and neither rescale nor interval
  /// matters; there is none at a scale of 1, or where the interval holds no noise level that `grid` visits.
  public func effective(along grid: TimeGrid) -> GenerationRequest {
    var request = self
    if sampler != .ddim { request.eta = 0 }
    if !grid.times.dropLast().contains(where: guidance.applies) {
      (request.guidance, request.negativePrompt) = (Guidance(scale: 1), "")
    }
    return request
  }
}
