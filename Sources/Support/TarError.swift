/// What is wrong with a tar archive, and where.
public enum TarError: Error, CustomStringConvertible, Sendable, Equatable {
  case unreadable(FileError)
  case malformed(file: String, offset: Int, reason: String)

  public var description: String {
    switch self {
    case .unreadable(let error): error.description
    case .malformed(let file, let offset, let reason):
      "\(file) is not a valid tar archive: at byte \(offset), \(reason)"
    }
  }
}
