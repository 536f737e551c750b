import ArgumentParser
import Foundation
import Support

/// A path from the command line; an empty one is invalid.
///
/// `~` and `~/…` are in the home folder, even if the shell does not expand them (`--output=~/images/`). `~name` is an
/// ordinary name.
struct FilePath: ExpressibleByArgument {
  let text: String  // as typed, for messages
  let path: String

  init?(argument: String) {
    if argument.isEmpty { return nil }
    self.init(argument)
  }

  init(_ text: String) {
    self.text = text
    if text == "~" || text.hasPrefix("~/") {
      let home = ProcessInfo.processInfo.environment["HOME"] ?? ""
      path = (home.isEmpty ? NSHomeDirectory() : home) + text.dropFirst()
    } else {
      path = text.hasPrefix("~") ? "./" + text : text  // Foundation would look for a user of that name
    }
  }

  var url: URL { URL(fileURLWithPath: path) }
  var defaultValueDescription: String { text }
  static var defaultCompletionKind: CompletionKind { .file() }
}

/// Checks output files before the work starts.
enum OutputFile {
  /// Throws if a file cannot be written or is one of the inputs.
  @discardableResult
  static func check(_ url: URL, notAmong inputs: [FilePath] = []) throws(Failure) -> OutputPlace {
    let place: OutputPlace
    do throws(FileError) {
      place = try OutputPlace(url.path)
    } catch { throw Failure(error.description) }
    for input in inputs where !place.isStream && (place.isSame(asFile: input.path) || place.path == input.url.path) {
      throw Failure("the output would overwrite the input \(input.text): choose another name", code: 2)
    }
    return place
  }

  /// Throws if a folder cannot be created or is not writable.
  static func checkFolder(_ url: URL) throws(Failure) {
    var isFolder: ObjCBool = false
    var place = url.standardizedFileURL
    while !FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder), place.path != "/" {
      guard place.lastPathComponent.utf8.count <= Int(NAME_MAX) else {
        throw Failure("the folder \(url.path) cannot be created: File name too long")
      }
      place.deleteLastPathComponent()
    }
    guard isFolder.boolValue else { throw Failure("the folder \(url.path) cannot be created: \(place.path) is a file") }
    guard access(place.path, W_OK | X_OK) == 0 else {
      throw Failure("the folder \(url.path) cannot be written to: \(String(cString: strerror(errno)))")
    }
  }

  /// Throws if a contact sheet is not named .png or cannot be written.
  static func checkSheet(_ file: FilePath, notAmong inputs: [FilePath] = []) throws(Failure) {
    guard file.url.pathExtension.lowercased() == "png" else {
      throw Failure("a contact sheet is a PNG file: the name \(file.text) must end in .png", code: 2)
    }
    try check(file.url, notAmong: inputs)
  }
}
