import Models
import NN
import Torch

/// The networks of a model that are needed one after the other.
public enum ModelPart: Sendable, CaseIterable {
  /// The text networks.
  case text
  /// The denoising network.
  case denoiser
  /// The autoencoder.
  case autoencoder
}

/// Which networks of a model are in memory.
public enum Residency: Sendable {
  /// All of them, from the beginning on.
  case all
  /// Those in use: each is read when it is needed, and let go after.
  case needed
}

/// Networks that are read together, with the LoRAs that are merged into them whenever they are read.
final class LoadablePart {
  /// A network and the type that it computes in.
  typealias Network = (stored: any StoredWeights, dtype: DType)

  private let networks: [Network]
  private var merges: [(lora: LoRA, network: any Module, scale: Double)] = []
  private var isLoaded = false
  private let isPrepared: Bool

  /// With `preparing` the networks are prepared for inference whenever they are read.
  init(_ networks: [Network], preparing: Bool = false) { (self.networks, isPrepared) = (networks, preparing) }

  /// Bytes of the weights in memory once they are read, by shapes and types alone; without merges.
  var bytes: Int {
    networks.reduce(0) { $0 + $1.stored.bytes(as: $1.dtype, keeping: .stored, preparing: isPrepared) }
  }

  /// Reads the weights, unless they are in memory.
  func load() throws(CheckpointError) {
    if isLoaded { return }
    for network in networks {
      try network.stored.fill(as: network.dtype, keeping: .stored, preparing: isPrepared && merges.isEmpty)
    }
    for merge in merges { merge.lora.merge(into: merge.network, scale: merge.scale) }
    if isPrepared, !merges.isEmpty { for network in networks { network.stored.prepareForInference() } }
    if isPrepared { Libtorch.returnFreeMemory() }  // what packing left: hundreds of megabytes
    isLoaded = true
  }

  /// Lets the weights go.
  func release() {
    if isLoaded { for network in networks { network.stored.release() } }
    isLoaded = false
  }

  /// Merges a LoRA into one of the networks, now or when it is read.
  func merge(_ lora: LoRA, into network: any Module, scale: Double) {
    merges.append((lora, network, scale))
    if isPrepared { return release() }  // packed weights cannot be changed: they are read again
    if isLoaded { lora.merge(into: network, scale: scale) }
  }
}
