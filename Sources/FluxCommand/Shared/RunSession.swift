import ArgumentParser
import Distributed
import Foundation
import Runs

extension TrainingRun {
  /// Runs until all steps are done, a signal asks to stop, or the time limit, counted from `began`, is nearly up.
  func run(quiet: Bool, since began: Date, limit: TimeLimit?) throws -> Outcome {
    let group = loop.group
    // Launchers send SIGTERM to the others when a process ends, and kill them soon after.
    let notice =
      "flux: stopping, as asked or because another process ended: the step is completed and saved if that is still "
      + "possible; otherwise the newest checkpoint is kept. The same command continues, with any number of processes"
    Interruption.catchSignals(notice: group.count > 1 && group.isFirst ? notice : nil)
    let seconds = limit?.seconds ?? .infinity
    return try run(quiet: quiet) { reserve in
      Interruption.isRequested || Date().timeIntervalSince(began) + reserve > seconds
    }
  }
}

extension TrainingRun.Outcome {
  /// Ends a command whose run was stopped: a message, and an exit code of 130 after a signal, or of 1 if the time limit was
  /// too short for a single step.
  ///
  /// Of several processes only the first one writes the message.
  func conclude(of steps: Int, group: ProcessGroup = .single) throws {
    guard case .stopped(let step) = self else { return }
    if group.isFirst { say(sentence(of: steps)) }
    if Interruption.isRequested { throw ExitCode(130) }
    if step == 0 { throw ExitCode(1) }
  }
}
