import Foundation
import Support
import TestSupport
import Testing
import Torch

@testable import Models

@Suite struct UNetConfigurationTests {
  private func sentence(_ change: (inout UNet.Configuration) -> Void) -> String? {
    var changed = SmallNetworks.unet
    change(&changed)
    do {
      try changed.validate()
      return nil
    } catch { return error.description }
  }

  @Test func numbersOutOfRangeAreNamedWithTheirRange() {
    #expect(sentence { $0.sampleSize = 0 } == "sample_size is 0, expected 1 to 16384")
    #expect(sentence { $0.inChannels = 0 } == "in_channels is 0, expected 1 to 65536")
    #expect(sentence { $0.outChannels = 65_537 } == "out_channels is 65537, expected 1 to 65536")
    #expect(sentence { $0.crossAttentionDim = -1 } == "cross_attention_dim is -1, expected 1 to 65536")
    #expect(sentence { $0.normNumGroups = 0 } == "norm_num_groups is 0, expected 1 to 65536")
    #expect(sentence { $0.normEps = 0 } == "norm_eps is 0.0, expected 1e-20 to 1.0")
    #expect(sentence { $0.normEps = .nan } == "norm_eps is NaN, expected 1e-20 to 1.0")
    #expect(sentence { $0.downsamplePadding = 2 } == "downsample_padding is 2, expected 0 to 1")
    #expect(sentence { $0.blockOutChannels = [8, 0] } == "block_out_channels[1] is 0, expected 1 to 65536")
    #expect(sentence { $0.layersPerBlock = 1001 } == "layers_per_block is 1001, expected 1 to 1000")
    #expect(
      sentence { $0.transformerLayersPerBlock = [1, 0] }
        == "transformer_layers_per_block[1] is 0, expected 1 to 1000")
    #expect(sentence { $0.attentionHeadDim = 0 } == "attention_head_dim is 0, expected 1 to 1000")
  }

  @Test func listsOfOtherLengthsAreNamed() {
    let expected = "expected 2, one for each entry of block_out_channels"
    #expect(sentence { $0.blockOutChannels = [] } == "block_out_channels is a list of 0, expected 1 to 16 levels")
    #expect(
      sentence { $0.blockOutChannels = [Int](repeating: 8, count: 17) }
        == "block_out_channels is a list of 17, expected 1 to 16 levels")
    #expect(sentence { $0.downBlockTypes = [.plain] } == "down_block_types is a list of 1, \(expected)")
    #expect(sentence { $0.upBlockTypes += [.plain] } == "up_block_types is a list of 3, \(expected)")
    #expect(sentence { $0.layersPerBlock = [1] } == "layers_per_block is a list of 1, \(expected)")
    #expect(sentence { $0.attentionHeadDim = [1, 1, 1] } == "attention_head_dim is a list of 3, \(expected)")
  }

  @Test func widthsThatGroupsHeadsOrSinesDoNotDivideAreNamed() {
    #expect(
      sentence { $0.blockOutChannels = [8, 10] }
        == "block_out_channels[1] is 10, expected a multiple of norm_num_groups, 4"
    )
    #expect(
      sentence { $0.attentionHeadDim = [2, 5] }
        == "block_out_channels[1] is 12, expected a multiple of attention_head_dim, 5")
    let odd = sentence {
      ($0.blockOutChannels, $0.normNumGroups, $0.attentionHeadDim) = ([7, 12], 1, 1)
    }
    #expect(odd == "block_out_channels[0] is 7, expected a multiple of sines and cosines, 2")
  }

  @Test func theFrequencyShiftStaysBelowTheNumberOfFrequencies() {
    let expected = "expected 0 or more, and less than 4.0"
    #expect(sentence { $0.freqShift = 4 } == "freq_shift is 4.0, \(expected)")
    #expect(sentence { $0.freqShift = -1 } == "freq_shift is -1.0, \(expected)")
    #expect(sentence { $0.freqShift = .nan } == "freq_shift is nan, \(expected)")
    #expect(sentence { $0.freqShift = 3.9 } == nil)
  }

  @Test func aClassEmbeddingNeedsItsWidth() {
    #expect(
      sentence { $0.projectionClassEmbeddingsInputDim = nil }
        == "projection_class_embeddings_input_dim is null, expected a number, since class_embed_type is projection")
    #expect(sentence { ($0.classEmbedType, $0.projectionClassEmbeddingsInputDim) = (nil, nil) } == nil)
  }

  @Test(arguments: [
    ("3", PerLevel.all(3), [3, 3, 3]), ("[1, 2, 4]", .each([1, 2, 4]), [1, 2, 4]),
  ])
  func aNumberOrAListIsReadAsOneForEachLevel(_ json: String, _ expected: PerLevel, _ levels: [Int]) throws {
    let value = try JSONDecoder().decode(PerLevel.self, from: Data(json.utf8))
    #expect(value == expected && (0..<3).map { value[$0] } == levels)
    #expect(try JSONDecoder().decode(PerLevel.self, from: JSONEncoder().encode(value)) == value)
  }

  @Test func aDamagedNumberOfTheFileIsRefusedByNameOrHarmless() throws {
    try Project.inTemporaryFolder { folder in
      var configuration = SmallNetworks.unet
      configuration.layersPerBlock = [1, 1]
      try UNet(configuration, .empty).save(to: folder)
      let (sample, context) = (Tensor.zeros([1, 4, 4, 4]), Tensor.zeros([1, 2, 6]))
      try DamagedConfiguration.forEach(folder.appendingPathComponent("config.json")) { key, value in
        do {
          let unet = try UNet.load(from: folder)
          _ = withInference {
            unet(sample, timesteps: Tensor.ones([1]), context: context, classLabels: Tensor.zeros([1, 6]))
          }
        } catch {
          let text = "\(error)"
          #expect(text.contains(folder.path) && (text.contains(key) || text.contains("tensor \"")), "\(value): \(text)")
        }
      }
    }
  }

  /// Every option that changes what the network computes.
  @Test func optionsThatFluxLacksAreRefusedByName() throws {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("config.json")
      try UNet(SmallNetworks.unet, .empty).save(to: folder)
      let table = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
      for (key, option) in UNet.fixedOptions {
        for isOther in [false, true] {
          let value: Any =
            switch option {
            case .null: isOther ? 2 as Any : NSNull()
            case .flag(let flag): flag != isOther
            case .number(let number): isOther ? number + 1 : number
            case .text(let text): !isOther ? text : text == "silu" ? "gelu" : text + "_2"
            }
          try JSONSerialization.data(withJSONObject: table.merging([key: value]) { $1 }).write(to: file)
          if isOther {
            let error = #expect(throws: CheckpointError.self) { _ = try UNet.readConfiguration(folder) }
            #expect(error?.description.hasPrefix("\(file.path): \(key) is ") == true)
            #expect(error?.description.hasSuffix("expected \(option), the only value that Flux supports") == true)
          } else {
            #expect(throws: Never.self, "\(key)") { _ = try UNet.readConfiguration(folder) }
          }
        }
      }
    }
  }

  /// For a latent of one cell every weight is used once; attention multiplies two numbers of each channel more.
  @Test func theNumberOfWeightsFollowsFromTheOperations() {
    let unet = UNet(SmallNetworks.unet, .empty)
    let attentions = 4 * 2  // one transformer on the way down, one in the middle, two on the way up
    #expect(SmallNetworks.unet.weightCount == unet.matrixElements + attentions * 2 * 12)
  }

  @Test func anInvalidConfigurationInCodeTraps() async {
    await #expect(processExitsWith: .failure) {
      var configuration = SmallNetworks.unet
      configuration.normNumGroups = 5
      _ = UNet(configuration, .empty)
    }
  }
}
