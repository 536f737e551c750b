import Foundation
import Logging

/// The log of the server, on standard error. Prompts are never in it.
enum ServerLog {
  /// A logger that writes lines for people, or JSON for programs.
  static func logger(level: Logger.Level, json: Bool) -> Logger {
    var logger = Logger(label: "flux") { label in
      json ? JSONLogHandler() : StreamLogHandler.standardError(label: label)
    }
    logger.logLevel = level
    return logger
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
