import Diffusion
import Flux

/// Warnings about options of classifier-free guidance that have no effect.
enum GuidanceAdvice {
  /// The warnings about a request that is sampled along a grid; of options, those are named that were `given`, if any was.
  static func lines(on request: GenerationRequest, along grid: TimeGrid, given: [String] = []) -> [String] {
    let effective = request.effective(along: grid)
    var lines: [String] = []
    if effective.guidance != request.guidance {
      let lost = [
        ("--negative-prompt", !request.negativePrompt.isEmpty), ("--cfg-rescale", request.guidance.rescale != 0),
        ("--cfg-interval", request.guidance.interval != nil), ("--cfg-scale", request.guidance.scale != 1),
      ].filter(\.1).map(\.0)
      let named = lost.contains(where: given.contains) ? lost.filter(given.contains) : lost
      lines.append("guidance applies at no step, so these have no effect: \(named.joined(separator: ", "))")
    } else if effective.negativePrompt != request.negativePrompt {
      lines.append("--negative-prompt has no effect at --cfg-scale 1, which disables guidance")
    }
    if request.guidance.scale == 0 {
      lines.append("--cfg-scale 0 uses the negative prompt only: the prompt has no effect")
    }
    return lines
  }
}
