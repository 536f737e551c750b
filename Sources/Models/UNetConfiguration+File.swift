import NN

// What files of other programs leave out.

extension UNet.Configuration {
  private enum FileKey: String, CodingKey { case diffusersVersion = "_diffusersVersion" }

  /// Reads Flux's own files, which have all fields, or those of diffusers, whose version they name.
  ///
  /// What a file of diffusers does not say has the default of `UNet2DConditionModel`: the oldest files say little.
  public init(from decoder: any Swift.Decoder) throws {
    let table = try decoder.container(keyedBy: CodingKeys.self)
    let isForeign = try decoder.container(keyedBy: FileKey.self).contains(.diffusersVersion)
    func value<T: Decodable>(_ key: CodingKeys, _ standard: T) throws -> T {
      isForeign && !table.contains(key) ? standard : try table.decode(T.self, forKey: key)
    }
    let levels: (down: [DownBlock], up: [UpBlock]) = (
      [.crossAttention, .crossAttention, .crossAttention, .plain],
      [.plain, .crossAttention, .crossAttention, .crossAttention]
    )
    self.init(
      sampleSize: try table.decodeIfPresent(Int.self, forKey: .sampleSize),
      inChannels: try value(.inChannels, 4), outChannels: try value(.outChannels, 4),
      downBlockTypes: try value(.downBlockTypes, levels.down),
      midBlockType: isForeign && !table.contains(.midBlockType)
        ? .crossAttention : try table.decodeIfPresent(MidBlock.self, forKey: .midBlockType),
      upBlockTypes: try value(.upBlockTypes, levels.up),
      blockOutChannels: try value(.blockOutChannels, [320, 640, 1280, 1280]),
      layersPerBlock: try value(.layersPerBlock, 2),
      transformerLayersPerBlock: try value(.transformerLayersPerBlock, 1),
      attentionHeadDim: try value(.attentionHeadDim, 8),
      useLinearProjection: try value(.useLinearProjection, false),
      crossAttentionDim: try value(.crossAttentionDim, 1280),
      classEmbedType: try table.decodeIfPresent(ClassEmbedding.self, forKey: .classEmbedType),
      projectionClassEmbeddingsInputDim: try table.decodeIfPresent(
        Int.self, forKey: .projectionClassEmbeddingsInputDim),
      normNumGroups: try value(.normNumGroups, 32), normEps: try value(.normEps, 1e-5),
      actFn: try value(.actFn, .silu), flipSinToCos: try value(.flipSinToCos, true),
      freqShift: try value(.freqShift, 0), downsamplePadding: try value(.downsamplePadding, 1))
    additionEmbedType = try table.decodeIfPresent(AdditionEmbedding.self, forKey: .additionEmbedType)
    additionTimeEmbedDim = try table.decodeIfPresent(Int.self, forKey: .additionTimeEmbedDim)
    timeCondProjDim = try table.decodeIfPresent(Int.self, forKey: .timeCondProjDim)
  }
}
