import ArgumentParser
import Foundation

/// The options for images that an interruption leaves unfinished.
struct StateOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Go on with the images that Ctrl-C or a crash left unfinished in this file; all settings come from it.
      """, valueName: "name.part.safetensors"), completion: Completions.unfinished)
  var resume: FilePath?
  @Option(
    help: ArgumentHelp(
      """
      Seconds after which unfinished images are saved for --resume, 0 for every step; inf saves them after Ctrl-C alone \
      (default: 10, and less often where saving takes over 1 % of the time).
      """, valueName: "seconds"))
  var saveStateEvery: Double?

  func validate() throws {
    if saveStateEvery == .infinity { return }
    try NumberRange.check("--save-state-every", saveStateEvery, NumberRange.nonnegative)
  }

  /// Throws for a prompt and options beside `--resume` that would change the images.
  func check(prompt: String?) throws(Failure) {
    guard let resume else { return }
    let reason = "--resume \(resume.text) takes all settings from the file"
    if prompt != nil { throw Failure("\(reason): remove the prompt", code: 2) }
    try Arguments.refuseOptions(
      except: ["resume", "save-state-every", "model", "quiet", "preview", "preview-every", "preview-decoder", "show"],
      reason)
  }
}
