import Foundation

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
