import Support
import TestSupport
import Testing
import Torch

@testable import Models

/// The original names of a U-Net's layers are those under which single files store them.
@Suite struct OriginalNamesTests {
  @Test(arguments: SingleFileGolden.names) func everyLayerHasTheNameThatFilesStore(_ name: String) throws {
    let file = try SafetensorsFile(SingleFileGolden.url(name))
    let layout = UNetLayout(CheckpointKeys(file, prefix: CheckpointFamily.prefixes[0]))
    let configuration = try UNet.readConfiguration(SingleFileGolden.open(name).unet)
    let weights = layout.map.entries.filter { $0.key.hasSuffix(".weight") }
    try #require(weights.count > 20)
    for (key, entry) in weights {
      let layer = String(key.dropLast(".weight".count))
      let stored = try #require(configuration.originalName(layer), "\(layer)")
      #expect(CheckpointFamily.prefixes[0] + stored + ".weight" == entry.stored)
    }
  }

  @Test func otherNamesHaveNone() throws {
    let configuration = try UNet.readConfiguration(SingleFileGolden.open("sd1").unet)
    for layer in ["", "down_blocks", "down_blocks.9.resnets.0.conv1", "up_blocks.0.resnets.0.other", "mid_block.x.y.z"]
    {
      #expect(configuration.originalName(layer) == nil, "\(layer)")
    }
  }
}
