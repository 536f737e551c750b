import Flux
import Models
import NN
import Testing
import Torch

@Suite struct PresetTests {
  /// The sizes that the recipe was made for: millions of parameters, and GFLOP of a forward pass.
  @Test(arguments: [(Preset.base, 53.8, 12.6), (.fine, 65.7, 20.1)])
  func aPresetForGPUsHasItsSize(preset: Preset, parameters: Double, work: Double) {
    let c = preset.configuration
    let unet = UNet(c.unet, .random(Generator(seed: 1)))
    #expect(abs(Double(unet.parameterCount) / 1e6 - parameters) < 0.05)
    let flops = c.unet.flops(height: c.latentSize, width: c.latentSize, tokens: 48)
    #expect(abs(Double(flops) / 1e9 - work) < 0.1)
  }

  @Test(arguments: Preset.allCases) func aPresetIsConsistent(preset: Preset) throws {
    let c = preset.configuration
    try c.unet.validate()
    try c.autoencoder.validate()
    try c.adapter.validate()
    try c.schedule.validate()
    #expect(c.latentSize == c.unet.sampleSize && c.unet.inChannels == c.autoencoder.latentChannels)
    #expect(c.unet.crossAttentionDim == c.adapter.width)
  }
}
