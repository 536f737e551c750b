import ArgumentParser

/// What `--fast` leaves no choice about.
enum FastOptions {
  /// Throws where one of these flags is given beside it.
  static func check(_ flags: [(name: String, isGiven: Bool)]) throws {
    let given = flags.filter(\.isGiven).map(\.name)
    if given.isEmpty { return }
    throw ValidationError(
      "--fast draws as the student was trained, with its own steps, sampler and guidance: leave out "
        + given.joined(separator: ", "))
  }
}
