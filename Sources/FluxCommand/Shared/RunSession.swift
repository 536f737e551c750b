import ArgumentParser
import Foundation
import Runs

extension TrainingRun {
  /// Runs until all steps are done, a signal asks to stop, or the time limit, counted from `began`, is nearly up.
  func run(quiet: Bool, since began: Date, limit: TimeLimit?) throws -> Outcome {
    Interruption.catchSignals()
    let seconds = limit?.seconds ?? .infinity
    return try run(quiet: quiet) { reserve in
      Interruption.isRequested || Date().timeIntervalSince(began) + reserve > seconds
    }
  }
}

extension TrainingRun.Outcome {
  /// Ends a command whose run was stopped: a message, and an exit code of 130 after a signal, or of 1 if the time limit was
  /// too short for a single step.
  func conclude(of steps: Int) throws {
    guard case .stopped(let step) = self else { return }
    say(sentence(of: steps))
    if Interruption.isRequested { throw ExitCode(130) }
    if step == 0 { throw ExitCode(1) }
  }
}
