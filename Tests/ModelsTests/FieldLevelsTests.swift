import NN
import Support
import TestSupport
import Testing
import Torch

@testable import Models

@Suite struct FieldLevelsTests {
  private func configuration(_ widths: [Int]) -> Autoencoder.Configuration {
    var configuration = SmallNetworks.palette
    configuration.superResolutionWidths = widths
    return configuration
  }

  /// The same encoder and decoder whatever the widths, which are drawn first.
  private func autoencoder(_ widths: [Int], awake: Bool = false) throws -> Autoencoder {
    let autoencoder = Autoencoder(configuration(widths), .random(Generator(seed: 1)))
    if awake { SmallNetworks.awaken(try #require(autoencoder.fieldLevels)) }
    return autoencoder
  }

  private let latent = Tensor.randn([2, 6, 4, 3], generator: Generator(seed: 2))

  private func decoded(_ autoencoder: Autoencoder, _ size: (height: Int, width: Int)? = nil) -> Tensor {
    withInference { autoencoder.decode(latent, size: size) }
  }

  @Test(arguments: [[5], [5, 4]]) func untrainedLevelsChangeNothing(_ widths: [Int]) throws {
    let (plain, new) = (try autoencoder([]), try autoencoder(widths))
    for size in [(64, 48), (61, 50), (33, 24), (300, 225)] {
      expectClose(decoded(new, size), decoded(plain, size), atol: 1e-5)
    }
  }

  @Test func imagesOfTheBaseSizeDoNotDependOnLevels() throws {
    let (plain, levels) = (try autoencoder([]), try autoencoder([5], awake: true))
    for size in [nil, (32, 24), (20, 24), (32, 9)] as [(Int, Int)?] {
      #expect(decoded(levels, size).floats() == decoded(plain, size).floats())
    }
  }

  @Test func largerImagesDependOnThem() throws {
    let (plain, levels) = (try autoencoder([]), try autoencoder([5], awake: true))
    for size in [(64, 48), (33, 24), (32, 25)] {
      #expect((decoded(levels, size) - decoded(plain, size)).abs().max().item() > 1e-3, "\(size)")
    }
  }

  @Test func everyLevelDoublesTheFields() throws {
    for (widths, factor) in [([5], 2), ([5, 4], 4)] {
      let levels = try #require(try autoencoder(widths, awake: true).fieldLevels)
      let fields = levels(
        Tensor.randn([2, 8, 8, 6], generator: Generator(seed: 5)),
        Tensor.randn([2, 12, 8, 6], generator: Generator(seed: 6)))
      #expect(fields.shape == [2, 12, 8 * factor, 6 * factor])
    }
  }

  @Test func aLevelIsItsFormula() throws {
    let level = FieldLevel(from: 8, width: 5, fields: 12, .random(Generator(seed: 3)))
    SmallNetworks.awaken(level)
    let generator = Generator(seed: 4)
    let (features, fields) = (
      Tensor.randn([2, 8, 4, 3], generator: generator), Tensor.randn([2, 12, 4, 3], generator: generator)
    )
    func applied(_ conv: Conv2d, _ x: Tensor) -> Tensor { x.conv2d(conv.weight, conv.bias, padding: 1) }
    func silu(_ x: Tensor) -> Tensor { x * x.sigmoid() }
    let spread = applied(level.up, Tensor.cat([silu(features), fields], dim: 1)).pixelShuffle(2)
    let x = spread + applied(level.conv, silu(spread))
    let result = level(features, fields)
    expectClose(result.features, x, atol: 1e-5)
    expectClose(
      result.fields, fields.resizedBilinear(height: 8, width: 6) + applied(level.toFields, silu(x)), atol: 1e-5)
  }

  @Test func aModelWithLevelsIsReadBack() throws {
    try Project.inTemporaryFolder { folder in
      let original = try autoencoder([5, 4], awake: true)
      try original.save(to: folder)
      let copy = try Autoencoder.load(from: folder)
      #expect(copy.configuration == original.configuration && copy.configuration.superResolutionWidths == [5, 4])
      #expect(decoded(copy, (70, 50)).floats() == decoded(original, (70, 50)).floats())
      #expect(copy.parameters.contains { $0.key == "field_levels.levels.1.to_fields.weight" })
      try original.save(to: folder, as: .int8)
      expectClose(decoded(try Autoencoder.load(from: folder), (70, 50)), decoded(original, (70, 50)), atol: 0.2)
    }
  }

  @Test func levelsDoNotChangeTheSizes() {
    let (plain, levels) = (configuration([]), configuration([5, 4]))
    #expect(levels.downsample == plain.downsample && levels.superResolutionFactor == 1 && levels.baseFactor == 8)
    #expect(levels.withoutFieldLevels == plain)
    #expect(SmallNetworks.autoencoder.withoutFieldLevels == SmallNetworks.autoencoder)
    #expect(throws: Never.self) { try levels.validate() }
  }

  @Test func weightsFitWhateverTheSharpnessAndTheLevels() {
    var other = configuration([5, 4])
    other.palette?.sharpness = 9
    #expect(configuration([]).hasWeights(of: other) && other.hasWeights(of: configuration([])))
    other.palette?.colors = 2
    #expect(!configuration([]).hasWeights(of: other))
    #expect(!configuration([]).hasWeights(of: SmallNetworks.autoencoder))
  }

  /// Of an estimate that is compared with the size of a file.
  @Test func theKernelsAreCounted() throws {
    let kernels = try #require(try autoencoder([5, 4]).fieldLevels).parameters.filter { $0.tensor.rank == 4 }
    #expect(
      configuration([5, 4]).weightCount - configuration([]).weightCount == kernels.reduce(0) { $0 + $1.tensor.count })
  }

  @Test func fieldsAreNoFinerThanThePixels() {
    let error = #expect(throws: ConfigurationError.self) { try configuration([5, 4, 4]).validate() }
    #expect(
      error?.description
        == "super_resolution_widths is a list of 3, expected up to 2 levels beside a palette with enlargement 4")
    let width = #expect(throws: ConfigurationError.self) { try configuration([0]).validate() }
    #expect(width?.description == "super_resolution_widths[0] is 0, expected 1 to 65536")
  }
}
