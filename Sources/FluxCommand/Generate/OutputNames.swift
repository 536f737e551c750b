import ArgumentParser
import Flux
import Foundation
import Images
import Support

/// The names of the output files.
struct OutputNames {
  private enum Form {
    case single(String)
    case numbered(prefix: String, width: Int, suffix: String)  // "%03d" in the name
    case folder(String)
    case standardOutput
    case nothing
  }

  private let form: Form
  /// The format of the files.
  let format: ImageFile
  /// Number of images.
  let count: Int

  /// Whether the image is written to standard output, which then holds nothing else.
  var isStandardOutput: Bool { if case .standardOutput = form { true } else { false } }

  /// Whether no image is written.
  var isNothing: Bool { if case .nothing = form { true } else { false } }

  /// Parses `FILE.png` (or .jpg, .jpeg, .webp), `NAME-%03d.png`, a folder (that exists or whose name ends in `/`), a
  /// pipe, and `-` for standard output; nil is for images that are only shown.
  ///
  /// `format` is for names without an extension; otherwise it must match. Nothing is created yet.
  init(_ output: FilePath?, count: Int, format asked: ImageFile?) throws(Failure) {
    self.count = count
    guard let output else {
      (form, format) = (.nothing, .png)
      return
    }
    if output.text == "-" || output.text == "/dev/stdout" {
      guard count == 1 else { throw Failure("standard output takes one image, not \(count)", code: 2) }
      guard isatty(STDOUT_FILENO) == 0 else {
        throw Failure("standard output is a terminal: use -o with a file name, or a pipe", code: 2)
      }
      (form, format) = (.standardOutput, asked ?? .png)
      return
    }
    let path = output.path
    var facts = stat()
    let kind = stat(path, &facts) == 0 ? facts.st_mode & S_IFMT : nil
    if path.hasSuffix("/") || kind == S_IFDIR {
      try OutputFile.checkFolder(output.url)
      (form, format) = (.folder(path), asked ?? .png)
      return
    }
    if let kind, kind != S_IFREG {
      guard count == 1 else {
        throw Failure("\(output.text) is not a regular file: it takes one image, not \(count)", code: 2)
      }
      (form, format) = (.single(path), asked ?? ImageFile(ending: output.url.pathExtension) ?? .png)
      return
    }
    guard let named = ImageFile(ending: output.url.pathExtension) else {
      throw Failure(
        "images are written as PNG, JPEG or WebP: the name \(output.text) must end in .png, .jpg or .webp, or in / for"
          + " a folder", code: 2)
    }
    if let asked, asked != named {
      throw Failure("--format \(asked.ending) does not match the name \(output.text)", code: 2)
    }
    format = named
    if let match = path.firstMatch(of: /%(0?)([0-9]{0,2})d/) {
      form = .numbered(
        prefix: String(path[..<match.range.lowerBound]), width: Int(match.2) ?? 1,
        suffix: String(path[match.range.upperBound...]))
    } else if count > 1 {
      let ending = output.url.pathExtension.count + 1
      form = .numbered(prefix: String(path.dropLast(ending)) + "-", width: 1, suffix: String(path.suffix(ending)))
    } else {
      form = .single(path)
    }
  }

  /// The file of image `index` (from 0) with `seed`; nil for standard output, and where no image is written.
  func url(_ index: Int, seed: UInt64) -> URL? {
    switch form {
    case .single(let path): URL(fileURLWithPath: path)
    case .numbered(let prefix, let width, let suffix):
      URL(fileURLWithPath: prefix + Self.padded(index + 1, width) + suffix)
    case .folder(let path):
      URL(fileURLWithPath: path).appendingPathComponent(
        "\(Self.padded(index + 1, String(count).count))-\(seed).\(format.ending)")
    case .standardOutput, .nothing: nil
    }
  }

  /// The file for the state of images that are not finished, of which `index` is the first: beside it, or in the working
  /// folder where it is not a file.
  func stateFile(_ index: Int, seed: UInt64) -> URL {
    guard let url = url(index, seed: seed), (try? OutputPlace(url.path))?.isStream == false else {
      return URL(fileURLWithPath: "flux-\(seed)" + UnfinishedImages.ending)
    }
    return URL(fileURLWithPath: url.deletingPathExtension().relativePath + UnfinishedImages.ending)
  }

  /// Throws unless all images, the contact sheet and the file of `--preview` can be written to distinct files.
  ///
  /// They must not be inputs and, without `overwriting`, not exist yet. A call that goes on has written the images before
  /// `first`.
  func check(
    seeds: [UInt64], grid: FilePath?, inputs: [FilePath], overwriting: Bool, preview: FilePath? = nil,
    from first: Int? = nil
  ) throws(Failure) {
    let sheet = try grid.map { grid throws(Failure) in
      try OutputFile.checkSheet(grid, notAmong: inputs)
      return try OutputFile.check(grid.url)
    }
    func checkNew(_ place: OutputPlace, _ name: String) throws(Failure) {
      guard place.exists, !place.isStream, !overwriting else { return }
      throw Failure("\(name) exists already, and --no-overwrite was given")
    }
    if let sheet, let grid { try checkNew(sheet, grid.text) }
    let shown = try preview.map { file throws(Failure) in try OutputFile.check(file.url, notAmong: inputs) }
    if let shown, let preview {
      if first == nil { try checkNew(shown, preview.text) }
      if let sheet, shown.isSame(as: sheet) {
        throw Failure("--preview and --grid are the same file \(preview.text): choose another name", code: 2)
      }
    }
    // A folder that does not exist yet has no files to overwrite.
    if case .folder(let path) = form, !FileManager.default.fileExists(atPath: path) { return }
    for (index, seed) in seeds.enumerated().dropFirst(first ?? 0) {
      guard let url = url(index, seed: seed) else { continue }
      let place = try OutputFile.check(url, notAmong: inputs)
      try checkNew(place, url.relativePath)
      if let sheet, place.isSame(as: sheet) {
        throw Failure("--grid would overwrite the image \(url.relativePath): choose another name", code: 2)
      }
      if let shown, place.isSame(as: shown) {
        throw Failure("--preview would overwrite the image \(url.relativePath): choose another name", code: 2)
      }
    }
  }

  /// Creates the folder, if the output is a folder.
  func makeFolder() throws(Failure) {
    guard case .folder(let path) = form else { return }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch { throw Failure("the folder \(path) cannot be created") }
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

extension ImageFile: ExpressibleByArgument {
  public init?(argument: String) { self.init(ending: argument) }
  public static var allValueStrings: [String] { allCases.map(\.ending) }
}
