import ArgumentParser
import Foundation
import Support

/// A path as people type it; an empty one is none.
///
/// `~` and what follows `~/` lie in the home folder, also where the shell leaves that to the program
/// (`--output=~/pictures/`). `~name` is a name like others.
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
}

/// Looks at files that are going to be written before the work that they are to hold begins.
enum OutputFile {
  /// Throws where a file cannot be written, or where it is one of those that the command reads.
  @discardableResult
  static func check(_ url: URL, notAmong inputs: [FilePath] = []) throws(Failure) -> OutputPlace {
    let place: OutputPlace
    do throws(FileError) {
      place = try OutputPlace(url.path)
    } catch { throw Failure(error.description) }
    for input in inputs where !place.isStream && (place.isSame(asFile: input.path) || place.path == input.url.path) {
      throw Failure("\(input.text) is read and would be overwritten: give the output another name", code: 2)
    }
    return place
  }

  /// Throws where a folder cannot be made, or what is there is none or cannot be written to.
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

  /// The format of a contact sheet by its name; throws where the ending promises something else, or the file cannot be
  /// written.
  static func checkSheet(_ file: FilePath, notAmong inputs: [FilePath] = []) throws(Failure) {
    guard file.url.pathExtension.lowercased() == "png" else {
      throw Failure("a contact sheet is a PNG: let the name \(file.text) end in .png", code: 2)
    }
    try check(file.url, notAmong: inputs)
  }
}
