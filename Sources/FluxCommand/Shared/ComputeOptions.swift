import Torch

extension Device {
  /// The device that a flag names, which this libtorch must have.
  init(flag name: String) throws(Failure) {
    guard let device = Device(name) else {
      throw Failure("device \"\(name)\" is not known; there are cpu, cuda and cuda:N", code: 2)
    }
    if case .cuda(let index) = device, index >= Device.cudaCount {
      let found = Device.cudaCount
      throw Failure(
        "there is no device \(device): libtorch sees \(found == 0 ? "no CUDA device" : "\(found) CUDA devices")")
    }
    self = device
  }
}
