import Foundation

/// Where the pictures of a call go.
struct OutputNames {
  private enum Form {
    case single(String)
    case numbered(prefix: String, width: Int, suffix: String)  // "%03d" in the name
    case folder(String)
  }

  private let form: Form
  let count: Int

  /// Understands `FILE.png`, `NAME-%03d.png` and a folder (one that exists, or a name that ends in `/`, which is made).
  init(_ output: String, count: Int) throws(Failure) {
    self.count = count
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: output, isDirectory: &isFolder)
    if output.hasSuffix("/") || (exists && isFolder.boolValue) {
      do {
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
      } catch { throw Failure("the folder \(output) cannot be created") }
      form = .folder(output)
    } else {
      let file = URL(fileURLWithPath: output)
      guard file.pathExtension.lowercased() == "png" else {
        throw Failure(
          "pictures are written as PNG: let the name \(output) end in .png, or in / for a folder", code: 2)
      }
      let folder = file.deletingLastPathComponent().path
      guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
        throw Failure("the folder \(folder) of \(output) does not exist")
      }
      if let match = output.firstMatch(of: /%(0?)([0-9]{0,2})d/) {
        form = .numbered(
          prefix: String(output[..<match.range.lowerBound]), width: Int(match.2) ?? 1,
          suffix: String(output[match.range.upperBound...]))
      } else if count > 1 {
        form = .numbered(prefix: String(output.dropLast(4)) + "-", width: 1, suffix: String(output.suffix(4)))
      } else {
        form = .single(output)
      }
    }
    guard let folder = Self.folder(of: form), FileManager.default.isWritableFile(atPath: folder) else {
      throw Failure("the folder of \(output) cannot be written to")
    }
  }

  /// The file of picture `index` (from 0) that `seed` gives.
  func url(_ index: Int, seed: UInt64) -> URL {
    switch form {
    case .single(let path): URL(fileURLWithPath: path)
    case .numbered(let prefix, let width, let suffix):
      URL(fileURLWithPath: prefix + Self.padded(index + 1, width) + suffix)
    case .folder(let path):
      URL(fileURLWithPath: path).appendingPathComponent(
        "\(Self.padded(index + 1, String(count).count))-\(seed).png")
    }
  }

  private static func folder(of form: Form) -> String? {
    switch form {
    case .single(let path): URL(fileURLWithPath: path).deletingLastPathComponent().path
    case .numbered(let prefix, _, let suffix):
      URL(fileURLWithPath: prefix + "1" + suffix).deletingLastPathComponent().path
    case .folder(let path): path
    }
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

/// The prompts of a call: one argument, or the lines of a file.
enum Prompts {
  static func read(argument: String?, file: String?) throws(Failure) -> [String] {
    if let argument { return [argument] }
    guard let file else { return [] }
    let name = file == "-" ? "standard input" : file
    let data: Data
    do {
      data =
        file == "-"
        ? try FileHandle.standardInput.readToEnd() ?? Data()
        : try Data(contentsOf: URL(fileURLWithPath: file))
    } catch {
      throw Failure("cannot read the prompt file \(name): \(Self.reason(file))")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw Failure("the prompt file \(name) is not UTF-8 text")
    }
    let prompts = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
    if prompts.isEmpty { throw Failure("the prompt file \(name) has no prompt: write one on every line") }
    return prompts
  }

  private static func reason(_ path: String) -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      return "it does not exist"
    }
    return isFolder.boolValue ? "it is a folder" : "it cannot be opened"
  }
}
