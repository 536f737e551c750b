import ArgumentParser
import Flux

/// Options for variations: noise between those of two seeds.
struct VariationOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: """
      Second seed; image k of a batch uses it + k, with the same --seed. A negative number selects a random seed, \
      which is printed (default: random).
      """)
  var variationSeed: Generate.Seed?
  @Option(
    help: """
      How far the initial noise is led towards that of --variation-seed, 0 to 1, by spherical interpolation (default: 0).
      """)
  var variationStrength: Double?

  func validate() throws {
    try NumberRange.check("--variation-strength", variationStrength, 0...1)
    if variationSeed != nil, (variationStrength ?? 0) == 0 {
      throw ValidationError("--variation-seed has no effect without --variation-strength above 0")
    }
  }

  /// The variation, with a random second seed where none is given; nil at strength 0.
  func variation() -> (variation: Variation, isRandom: Bool)? {
    guard let variationStrength, variationStrength > 0 else { return nil }
    let seed = variationSeed ?? Generate.Seed(value: .random(in: 0...UInt64(UInt32.max)), isRandom: true)
    return (Variation(seed: seed.value, strength: variationStrength), seed.isRandom)
  }
}
