import Images
import Support

/// Why pictures with captions cannot be had.
public enum DataError: Error, CustomStringConvertible, Sendable, Equatable {
  case missing(path: String)
  case noPictures(path: String, found: String)
  case malformed(file: String, line: Int, reason: String)
  case file(FileError)
  case archive(TarError)
  case picture(RasterError)
  case nothingReadable(count: Int, first: String)

  public var description: String {
    switch self {
    case .missing(let path): "\(path) does not exist"
    case .noPictures(let path, let found):
      "\(path) holds no pictures to learn from: Flux looks for metadata.jsonl or metadata.csv, for .tar archives, and for "
        + ".jpg, .jpeg, .png and .webp files beside .txt files of the same name, and found \(found)"
    case .malformed(let file, let line, let reason): "\(file), line \(line): \(reason)"
    case .file(let error): error.description
    case .archive(let error): error.description
    case .picture(let error): error.description
    case .nothingReadable(let count, let first):
      "none of the \(count) pictures can be read; the first says: \(first)"
    }
  }
}
