import Foundation
import NN
import TestSupport
import Testing
import Torch

@testable import Models

@Suite struct TextEncoderGradientTests {
  private let folder = Project.golden("text_encoder_small")

  /// Every parameter's gradient of a weighted sum of the states that the adapter reads.
  @Test func gradientsAreTransformers() throws {
    let golden = try SafetensorsFile(folder.appendingPathComponent("case.safetensors"))
    let encoder = try TextEncoder.load(from: folder)
    encoder.requireGradients(true)
    let states = encoder(try golden.tensor("ids"), mask: try golden.tensor("mask"))
    let loss = (Tensor.cat([states[0], states[2]], dim: 2) * (try golden.tensor("weights"))).sum()
    expectClose(withNoGrad { loss.detached() }, try golden.tensor("loss"), atol: 1e-3)
    loss.backward()
    #expect(encoder.parameters.count == golden.keys.filter { $0.hasPrefix("grad.") }.count)
    for (key, tensor) in encoder.parameters {
      expectClose(try #require(tensor.grad), try golden.tensor("grad.\(key)"), atol: 1e-4, key)
    }
  }

  @Test func itsDirectoryIsThatOfTransformers() throws {
    try Project.inTemporaryFolder { copy in
      try TextEncoder.load(from: folder).save(to: copy)
      let json = try String(contentsOf: copy.appendingPathComponent("config.json"), encoding: .utf8)
      #expect(json.contains("\"model_type\" : \"bert\""))
      let (before, after) = (try TextEncoder.load(from: folder), try TextEncoder.load(from: copy))
      for (own, given) in zip(after.parameters, before.parameters) {
        #expect(own.tensor.bytes() == given.tensor.bytes(), "\(own.key)")
      }
    }
  }
}
