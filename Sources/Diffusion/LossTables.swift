import Torch

/// What a loss knows of every training time, on a device: for times that are drawn there.
public final class LossTables {
  let alpha: Tensor  // [count], float32: √ᾱ_t
  let sigma: Tensor  // [count], float32: √(1 − ᾱ_t)
  let weight: Tensor?  // [count], float32; nil where all times weigh alike

  public init(_ loss: DiffusionLoss, device: Device = .cpu) {
    func table(_ value: (Int) -> Double) -> Tensor {
      Tensor((0..<loss.schedule.count).map(value)).to(.float32).to(device)
    }
    alpha = table(loss.schedule.alpha)
    sigma = table(loss.schedule.sigma)
    weight = loss.minSNR.map { _ in table(loss.weight) }
  }
}
