/// Names that commands, flags and values had before version 0.2.
///
/// They still work in this version, each with a notice, and go in the next.
enum DeprecatedFlags {
  private static let commands = ["distil": "distill"]

  /// By command: old flags with their new names.
  private static let flags: [String: [String: String]] = [
    "train": [
      "--distance": "--loss", "--last-distance": "--cooldown-loss", "--averages": "--ema",
      "--gradient-limit": "--max-grad-norm", "--second-beta": "--adam-beta2", "--diffusion-rate": "--learning-rate",
      "--autoencoder-rate": "--autoencoder-learning-rate", "--muon-rate": "--muon-learning-rate",
      "--even-times": "--uniform-timesteps", "--anew": "--reinitialize", "--captions-full": "--full-captions",
      "--need": "--sampling-weights",
    ],
    "distill": ["--rate": "--learning-rate", "--own-paths": "--on-policy-share"],
    "evaluate": [
      "--write-need": "--write-sampling-weights", "--captions-full": "--full-captions", "--need": "--sampling-weights",
    ],
    "data": ["--captions-full": "--full-captions", "--need": "--sampling-weights"],
  ]

  /// By flag: old values with their new names.
  private static let values = ["--crop": ["centre": "center"]]

  /// The arguments with new names in the place of old ones; `notice` gets a sentence for each.
  static func replaced(in arguments: [String], notice: (String) -> Void) -> [String] {
    var result = arguments
    func note(_ old: String, _ new: String) { notice("\(old) is now \(new); the old name will be removed") }
    let place = result.first == "help" ? 1 : 0
    if place < result.count, let new = commands[result[place]] {
      note(result[place], new)
      result[place] = new
    }
    guard let command = result.first, let table = flags[command] else { return result }
    for index in result.indices.dropFirst() {
      if result[index] == "--" { break }
      let parts = result[index].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      if let new = table[parts[0]] {
        note(parts[0], new)
        result[index] = ([new] + parts.dropFirst()).joined(separator: "=")
      }
      let value = parts.count == 2 ? parts[1] : index + 1 < result.count ? result[index + 1] : ""
      if let new = values[parts[0]]?[value] {
        note("\(parts[0]) \(value)", "\(parts[0]) \(new)")
        if parts.count == 2 { result[index] = "\(parts[0])=\(new)" } else { result[index + 1] = new }
      }
    }
    return result
  }
}
