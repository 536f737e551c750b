/// Why a picture cannot be read or written.
public enum RasterError: Error, CustomStringConvertible, Sendable, Equatable {
  case unreadable(file: String, reason: String)
  case unknownFormat(file: String, begin: String)
  case malformed(file: String, format: String, reason: String)
  case unsupported(file: String, format: String, reason: String)
  case tooLarge(file: String, width: Int, height: Int, limit: Int)
  case encoding(format: String, reason: String)

  public var description: String {
    switch self {
    case .unreadable(let file, let reason): "cannot read \(file): \(reason)"
    case .unknownFormat(let file, let begin):
      "\(file) is no picture that Flux reads (\(ImageFile.names)): it begins with \(begin)"
    case .malformed(let file, let format, let reason): "\(file) is not a valid \(format) picture: \(reason)"
    case .unsupported(let file, let format, let reason):
      "\(file) is a \(format) picture of a kind that Flux does not read: \(reason)"
    case .tooLarge(let file, let width, let height, let limit):
      "\(file) is \(width)×\(height) pixels; Flux reads up to \(limit) pixels a side"
    case .encoding(let format, let reason): "the picture cannot be written as \(format): \(reason)"
    }
  }
}
