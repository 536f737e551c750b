extension TrainingPlan {
  /// Leaves out all other stages; those that stay share the steps as they did among themselves.
  ///
  /// Stages that a plan does not have by itself come in where they are named: the decoder's, and those of a run from
  /// scratch where this one starts from a model, whose autoencoder then learns on. Throws where the plan does not have a
  /// stage, and where no stage trains an encoder and there is no model to take one from.
  public mutating func keep(_ stages: [Stage]) throws(TrainingError) {
    if profile == .ship, start != nil {
      parts = Self.shippedParts(preset, batch(of: .diffusion))
    }
    if profile == .ship, parts[.decoder] == nil {
      let share = 0.1 * parts.values.reduce(0) { $0 + $1.share }
      parts[.decoder] = Part(share: share, batch: max(batch(of: .diffusion) / 8, 1))
    }
    if let missing = stages.first(where: { parts[$0] == nil }) {
      throw .noStage(missing, Stage.allCases.filter { parts[$0] != nil })
    }
    if start == nil, !stages.contains(.autoencoder), !stages.contains(.joint) { throw .noEncoder(stages) }
    parts = parts.filter { stages.contains($0.key) }
    let total = parts.values.reduce(0) { $0 + $1.share }
    for stage in stages { parts[stage]?.share /= total }
  }

  /// Whether a stage changes the encoder, and so the latents.
  var trainsEncoder: Bool { parts[.autoencoder] != nil || parts[.joint] != nil }

  /// From the first step to the last of several stages, as far as the plan has them.
  func range(over stages: [Stage]) -> Range<Int> {
    let ranges = stages.map(range).filter { !$0.isEmpty }
    guard let first = ranges.map(\.lowerBound).min(), let last = ranges.map(\.upperBound).max() else { return 0..<0 }
    return first..<last
  }
}
