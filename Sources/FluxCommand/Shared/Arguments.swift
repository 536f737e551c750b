import ArgumentParser
import Foundation
import Support

/// The arguments of a call, and what the parser does not see in them.
enum Arguments {
  /// The arguments as text; throws where the bytes of one are no UTF-8, since names and prompts would be others.
  static func text() throws(Failure) -> [String] {
    var texts: [String] = []
    for index in 1..<max(1, Int(CommandLine.argc)) {
      guard let pointer = CommandLine.unsafeArgv[index] else { break }
      guard let text = String(validatingCString: pointer) else {
        throw Failure("argument \(index) is not UTF-8 text: \(String(cString: pointer))", code: 2)
      }
      texts.append(text)
    }
    return texts
  }

  /// A command from its arguments.
  ///
  /// A value may begin with a dash (`-W -64`, `-p "-1 apple"`), where the parser misses one, unless it is the name of an
  /// option of the command.
  static func parse(_ arguments: [String]) throws -> any ParsableCommand {
    try checkHelp(arguments)
    var arguments = arguments
    while true {
      do {
        return try FluxCommand.parseAsRoot(arguments)
      } catch {
        guard let joined = joiningValue(arguments, FluxCommand.message(for: error)) else { throw error }
        arguments = joined
      }
    }
  }

  /// The arguments with one value joined to its option, where the parser missed it: `-W=-64`.
  private static func joiningValue(_ arguments: [String], _ message: String) -> [String]? {
    guard let match = message.firstMatch(of: /^Missing value for '(--?[^ ']+)/) else { return nil }
    let option = String(match.1)
    let names = optionNames(of: arguments)
    for index in arguments.indices.dropLast() where spellings(of: option, names).contains(arguments[index]) {
      let value = arguments[index + 1]
      guard value.hasPrefix("-"), value != "--", !names.contains(where: { $0.contains(value) }) else { continue }
      var joined = arguments
      let long = spellings(of: option, names).first { $0.hasPrefix("--") }
      joined.replaceSubrange(index...index + 1, with: ["\(long ?? option)=\(value)"])
      return joined
    }
    return nil
  }

  /// All names of one option, such as `-o` and `--output`.
  private static func spellings(of option: String, _ names: [Set<String>]) -> Set<String> {
    names.first { $0.contains(option) } ?? [option]
  }

  // MARK: - What the parser knows

  /// The part of the parser's description of its commands that is read here.
  private struct Tool: Decodable {
    struct Argument: Decodable {
      struct Name: Decodable {
        let kind: String
        let name: String
        var text: String { (kind == "long" ? "--" : "-") + name }
      }
      let names: [Name]?
    }
    struct Command: Decodable {
      let commandName: String
      let subcommands: [Command]?
      let arguments: [Argument]?
    }
    let command: Command
  }

  private static let root: Tool.Command? = {
    do {
      _ = try FluxCommand.parseAsRoot(["--experimental-dump-help"])
      return nil
    } catch {
      let data = Data(FluxCommand.fullMessage(for: error).utf8)
      return try? JSONDecoder().decode(Tool.self, from: data).command
    }
  }()

  /// The names of the options and flags of the command that these arguments call.
  private static func optionNames(of arguments: [String]) -> [Set<String>] {
    var command = root
    for word in arguments {
      guard let next = command?.subcommands?.first(where: { $0.commandName == word }) else { break }
      command = next
    }
    return (command?.arguments ?? []).map { Set(($0.names ?? []).map(\.text)) }
  }

  // MARK: - Words that are no command

  /// Throws where help is asked for about something that is no command.
  private static func checkHelp(_ arguments: [String]) throws(Failure) {
    guard arguments.first == "help" else { return }
    var command = root
    for word in arguments.dropFirst() where !word.hasPrefix("-") {
      guard let here = command, let found = here.subcommands?.first(where: { $0.commandName == word }) else {
        throw Failure(noCommand(word, among: command?.subcommands?.map(\.commandName) ?? []), code: 2)
      }
      command = found
    }
  }

  /// A better sentence than the parser's for a word where a subcommand belongs; nil where that is not the matter.
  static func misspelledCommand(_ arguments: [String], _ message: String) -> String? {
    guard message.contains(/[Uu]nexpected arguments?:? '/) else { return nil }
    var command = root
    for word in arguments {
      guard let names = command?.subcommands, !names.isEmpty, !word.hasPrefix("-") else { return nil }
      guard let next = names.first(where: { $0.commandName == word }) else {
        return message.contains("'\(word)'") ? noCommand(word, among: names.map(\.commandName)) : nil
      }
      command = next
    }
    return nil
  }

  /// A better sentence for a text that begins with a dash and was taken for an option; nil where that is not the matter.
  static func misreadText(_ message: String) -> String? {
    guard let match = message.firstMatch(of: /^Unknown option '(-[^']*)'/), match.1.contains(/\s|^-[0-9.]/) else {
      return nil
    }
    return "\"\(match.1)\" begins with a dash and looks like an option: write -- before it, or give it with its option"
  }

  private static func noCommand(_ word: String, among names: [String]) -> String {
    let near = NameTable(names.map { ($0, $0) }).nearest(to: word)
    if let near { return "there is no command \"\(word)\"; did you mean \"\(near)\"?" }
    return "there is no command \"\(word)\"" + (names.isEmpty ? "" : "; there are \(names.joined(separator: ", "))")
  }
}
