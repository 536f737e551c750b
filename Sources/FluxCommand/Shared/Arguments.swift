import ArgumentParser
import Foundation
import Support
import Synchronization

/// The command line: what ArgumentParser does not handle itself.
enum Arguments {
  /// What takes the place of the command line where a call is made again.
  private static let replacement = Mutex<[String]?>(nil)

  /// From now on these are the arguments.
  static func replace(by arguments: [String]) { replacement.withLock { $0 = arguments } }

  /// The arguments as text; throws if one is not UTF-8.
  static func text() throws(Failure) -> [String] {
    if let arguments = replacement.withLock({ $0 }) { return arguments }
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

  /// Parses the arguments into a command.
  ///
  /// A value may begin with a dash (`-W -64`, `-p "-1 apple"`) unless it is the name of an option of the command.
  static func parse(_ arguments: [String]) throws -> any ParsableCommand {
    var arguments = DeprecatedFlags.replaced(in: arguments) { say("flux: \($0)") }
    try checkHelp(arguments)
    while true {
      do {
        return try FluxCommand.parseAsRoot(arguments)
      } catch {
        guard let joined = joiningValue(arguments, FluxCommand.message(for: error)) else { throw error }
        arguments = joined
      }
    }
  }

  /// The arguments with one value joined to the option for which the parser found none: `-W=-64`.
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

  // MARK: - The parser's commands and options

  /// The part of the parser's `--experimental-dump-help` that is used here.
  private struct Tool: Decodable {
    struct Argument: Decodable {
      struct Name: Decodable {
        let kind: String
        let name: String
        var text: String { (kind == "long" ? "--" : "-") + name }
      }
      let kind: String  // positional, option or flag
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

  /// The command that these arguments call, the words that name it, and the arguments after them.
  private static func called(by arguments: [String]) -> (command: Tool.Command?, name: String, rest: ArraySlice<String>)
  {
    var (command, name, rest) = (root, "flux", arguments[...])
    while let next = command?.subcommands?.first(where: { $0.commandName == rest.first }) {
      (command, name) = (next, "\(name) \(next.commandName)")
      rest = rest.dropFirst()
    }
    return (command, name, rest)
  }

  /// The names of the options and flags of the command that these arguments call.
  private static func optionNames(of arguments: [String]) -> [Set<String>] {
    (called(by: arguments).command?.arguments ?? []).map { Set(($0.names ?? []).map(\.text)) }
  }

  /// The options that these arguments give to their command, each by its long name.
  static func options(in arguments: [String]) -> [String] {
    var (command, _, rest) = called(by: DeprecatedFlags.replaced(in: arguments) { _ in })
    let known = command?.arguments ?? []
    var found: [String] = []
    while let word = rest.popFirst(), word != "--" {
      let option = String(word.split(separator: "=", maxSplits: 1).first ?? "")
      guard let argument = known.first(where: { ($0.names ?? []).contains { $0.text == option } }) else { continue }
      found.append(argument.names?.first { $0.kind == "long" }?.text ?? option)
      if argument.kind == "option", option == word { rest = rest.dropFirst() }  // its value
    }
    return found
  }

  /// Throws if the arguments of this call have an option that is not among `names`, each without its dashes; `what` is the
  /// reason.
  static func refuseOptions(except names: Set<String>, _ what: String) throws(Failure) {
    let refused = options(in: try text()).filter { !names.contains(String($0.drop { $0 == "-" })) }
    if !refused.isEmpty { throw Failure("\(what): remove \(refused.joined(separator: ", "))", code: 2) }
  }

  // MARK: - Arguments that are probably meant for others

  /// The error message for a missing argument if the call has an unknown option or a word too many, which the parser does
  /// not look at then; nil for other errors.
  static func surplus(_ arguments: [String], _ message: String) -> String? {
    guard let missing = message.firstMatch(of: /^Missing expected argument '([^']+)'/)?.1 else { return nil }
    var (command, name, rest) = called(by: arguments)
    let known = command?.arguments ?? []
    let places = known.filter { $0.kind == "positional" }.count
    var words = 0
    while let word = rest.popFirst(), word != "--" {
      let option = String(word.split(separator: "=", maxSplits: 1).first ?? "")
      if let argument = known.first(where: { ($0.names ?? []).contains { $0.text == option } }) {
        if argument.kind == "option", option == word { rest = rest.dropFirst() }  // its value
      } else if word.hasPrefix("--") {
        let names = known.flatMap { ($0.names ?? []).map(\.text) }.filter { $0.hasPrefix("--") }
        let near = NameTable(names.map { ($0, $0) }).nearest(to: option)
        return "\(name) has no option \(option); "
          + (near.map { "did you mean \($0)?" } ?? "\(missing) is missing, see flux help \(name.dropFirst(5))")
      } else if !word.hasPrefix("-") || word == "-" {
        words += 1
        if words > places {
          let count = places == 0 ? "no argument" : places == 1 ? "one argument" : "\(places) arguments"
          return "\(name) takes \(count) beside its options, and \"\(word)\" is one more; \(missing) is missing, see "
            + "flux help \(name.dropFirst(5))"
        }
      }
    }
    return nil
  }

  // MARK: - Unknown commands

  /// Throws if help is requested for an unknown command.
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

  /// The error message for an unknown subcommand; nil for other errors.
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

  /// The error message for text that begins with a dash and was parsed as an option; nil for other errors.
  static func misreadText(_ message: String) -> String? {
    guard let match = message.firstMatch(of: /^Unknown option '(-[^']*)'/), match.1.contains(/\s|^-[0-9.]/) else {
      return nil
    }
    return "\"\(match.1)\" begins with a dash and looks like an option: put -- before it, or use --prompt"
  }

  /// An error message of the parser with the values that an option takes in the same line.
  static func inOneLine(_ message: String) -> String {
    let parts = message.components(separatedBy: " of the following:\n  - ")
    return parts.count == 2 ? parts[0] + " of " + parts[1].replacing("\n  - ", with: ", ") : message
  }

  private static func noCommand(_ word: String, among names: [String]) -> String {
    let near = NameTable(names.map { ($0, $0) }).nearest(to: word)
    if let near { return "there is no command \"\(word)\"; did you mean \"\(near)\"?" }
    return "there is no command \"\(word)\"" + (names.isEmpty ? "" : "; there are \(names.joined(separator: ", "))")
  }
}
