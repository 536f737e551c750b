import Datasets

// Images of several shapes.

extension TrainingPlan {
  /// The shapes of the images of a run with buckets.
  ///
  /// Their sides are multiples of the cells of the U-Net's coarsest level, so that every level has whole cells.
  var buckets: AspectBuckets {
    let c = configuration
    return AspectBuckets(side: c.latentSize, multiple: 1 << (c.unet.blockOutChannels.count - 1))
  }

  /// Throws if the plan has buckets and something that needs squares.
  public func checkAspectBuckets() throws(TrainingError) {
    guard aspectBuckets != nil else { return }
    if hasObjectLabels { throw .bucketsOfScenes }
    if parts.keys.contains(where: { $0 != .diffusion }) { throw .bucketsStage }
  }
}
