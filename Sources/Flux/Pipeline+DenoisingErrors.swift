import Diffusion
import Images
import Models
import Torch

extension Pipeline {
  /// The noise levels that are measured, from nearly clean to nearly noise.
  public static let measuredTimesteps = [100, 300, 500, 700, 900]

  /// A mean square error of clean latents, whose variance is about 1.
  public typealias DenoisingError = (
    timestep: Int,
    own: Double,  // under the picture's own caption
    other: Double  // under the caption half the list away
  )

  /// How far the model's estimates of known pictures' latents are off, in units that every prediction and loss share.
  ///
  /// Finer than scores of drawn pictures, and blind to what samplers and guidance do. The noise depends on `seed` alone.
  public func denoisingErrors(_ pictures: [Image], captions: [String], seed: UInt64) -> [DenoisingError] {
    withInference {
      // [B, C, h, w]
      let latents = Tensor.cat(pictures.map { model.autoencoder.encode(TensorImage.tensor([$0]).to(device)) })
      let text = prompts(captions, maxTokens: model.configuration.adapter.maxTokens)
      let generator = Generator(seed: seed)
      return Self.measuredTimesteps.map { timestep in
        let noise = Tensor.randn(latents.shape, generator: generator).to(device)
        let (alpha, sigma) = (model.schedule.alpha(timestep), model.schedule.sigma(timestep))
        let noisy = (latents * alpha + noise * sigma).channelsLast()
        func error(_ states: Tensor, _ mask: Tensor) -> Double {
          let (context, pooled) = model.adapter(states, mask: mask)
          let output = model.unet(
            noisy, timesteps: Tensor.full([pictures.count], Double(timestep), device: device), context: context,
            contextMask: mask,
            classLabels: pooled)
          let clean = model.schedule.configuration.predictionType.clean(output, at: noisy, alpha: alpha, sigma: sigma)
          return (clean - latents).square().mean().item()
        }
        let half = pictures.count / 2
        func turned(_ x: Tensor) -> Tensor {
          Tensor.cat([x.narrowed(0, half, pictures.count - half), x.narrowed(0, 0, half)])
        }
        return (timestep, error(text.states, text.mask), error(turned(text.states), turned(text.mask)))
      }
    }
  }
}
