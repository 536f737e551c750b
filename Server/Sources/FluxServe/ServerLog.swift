import Foundation
import Logging
import Serving

/// The log of the server, on standard error.
///
/// Prompts are never in it.
enum ServerLog {
  /// A logger that writes lines for people, or JSON for programs.
  static func logger(level: Logger.Level, json: Bool) -> Logger {
    var logger = Logger(label: "flux") { label -> any LogHandler in
      if json { return JSONLogHandler() }
      return StreamLogHandler.standardError(label: label)
    }
    logger.logLevel = level
    return logger
  }

  /// Writes what became of a job.
  static func report(_ job: Job, to logger: Logger) {
    let seconds = job.finished.map { $0.timeIntervalSince(job.started ?? job.created) } ?? 0
    var metadata: Logger.Metadata = [
      "job": "\(job.id.prefix(8))", "api": "\(job.interface.rawValue)", "outcome": "\(job.status.rawValue)",
      "images": "\(job.images.count)", "steps": "\(job.step)", "seconds": "\((seconds * 1000).rounded() / 1000)",
    ]
    if let reason = job.cancelReason { metadata["reason"] = "\(reason.rawValue)" }
    if let failure = job.failure { metadata["error"] = "\(failure.message)" }
    logger.log(level: job.status == .failed ? .error : .info, "job", metadata: metadata)
  }
}

/// Writes one JSON object a line.
struct JSONLogHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .info

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var fields: [String: String] = [:]
    for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }) { fields[key] = "\(value)" }
    fields["time"] = Date().formatted(.iso8601)
    fields["level"] = event.level.rawValue
    fields["message"] = "\(event.message)"
    guard var line = try? JSONEncoder().encode(fields) else { return }
    line.append(10)
    FileHandle.standardError.write(line)
  }
}
