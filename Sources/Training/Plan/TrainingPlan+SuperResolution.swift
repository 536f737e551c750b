import Models
import Support

// The super-resolution levels of palette decoders, which a preset does not have.

extension TrainingPlan {
  /// Widths of the levels that a palette decoder gets if it has none.
  public static let defaultFieldLevels = [32]
  /// The largest enlargement of the model's size that levels learn from.
  static let largestSuperResolution = 8

  /// Side of the images that the levels of a palette decoder learn from, in pixels.
  var superResolutionSide: Int { superResolutionSize ?? 2 * configuration.imageSize }

  /// Whether the plan trains levels of a palette decoder.
  var trainsFieldLevels: Bool { parts[.superResolution] != nil && configuration.autoencoder.palette != nil }

  /// Keeps the super-resolution levels and the sharpness that the palette decoder of the model to start from has.
  public mutating func keepPaletteSettings(of autoencoder: Autoencoder.Configuration) {
    guard let palette = autoencoder.palette else { return }
    if !autoencoder.superResolutionWidths.isEmpty { superResolutionWidths = autoencoder.superResolutionWidths }
    let own = preset.configuration.autoencoder.palette
    paletteSharpness = own == nil || own?.sharpness == palette.sharpness ? nil : palette.sharpness
  }

  /// Removes levels that would not fit the decoder after this run, because it changes and they do not; returns whether
  /// there were any.
  public mutating func dropStaleLevels() -> Bool {
    let trainsDecoder = trainsEncoder || parts[.decoder] != nil
    guard superResolutionWidths != nil, trainsDecoder, parts[.superResolution] == nil else { return false }
    superResolutionWidths = nil
    return true
  }

  /// Throws if levels cannot be trained as the plan says, or only on images that are smaller than its size.
  ///
  /// Reads the headers of all images.
  public func checkSuperResolution(on data: TrainingData) throws(TrainingError) {
    let own = configuration.imageSize
    if let superResolutionSize {
      guard parts[.superResolution] != nil else { throw .sizeWithoutStage }
      guard configuration.autoencoder.palette != nil else { throw .noRoom(size: superResolutionSize, own: own) }
      guard superResolutionSize.isMultiple(of: own),
        (2...Self.largestSuperResolution).contains(superResolutionSize / own)
      else { throw .superResolutionSize(superResolutionSize, own: own, largest: Self.largestSuperResolution * own) }
    }
    if superResolutionWidths != nil {
      guard configuration.autoencoder.palette != nil else { throw .noFieldLevels }
      do throws(ConfigurationError) {
        try configuration.autoencoder.validate()
      } catch { throw .levels(error.description) }
    }
    guard trainsFieldLevels else { return }
    if parts[.decoder] != nil { throw .decoderAfterLevels }
    guard case .images(let files, _, _) = data else { return }
    let small = files.images(below: superResolutionSide)
    if let first = small.first {
      throw .smallImages(
        small.count, of: files.count, first: "\(first.id), \(first.width)×\(first.height)", size: superResolutionSide)
    }
  }
}
