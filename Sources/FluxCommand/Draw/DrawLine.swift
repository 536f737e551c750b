import Diffusion
import Flux

/// A line of `flux draw`: a prompt, or a command that begins with `/`.
enum DrawLine: Equatable {
  case prompt(String)
  /// An empty line: the last prompt with the next seed.
  case next
  case command(Command)

  /// Where the init image comes from.
  enum Source: Equatable {
    case none, last
    case file(String)
  }

  /// What a command does; each has one name.
  enum Command: Equatable {
    case again(UInt64?)
    case seed(UInt64?)  // nil is a random one
    case steps(Int?)
    case cfg(Double?)
    case sampler(String?)
    case size(width: Int?, height: Int?)
    case negative(String)
    case count(Int)
    case initImage(Source)
    case mask(String?)
    case strength(Double)
    case variation(Double)
    case fast(Bool)
    case model(String)
    case save(String?)
    case show, undo, settings, help, quit
  }

  /// A line that is not understood.
  struct Fault: Error, CustomStringConvertible {
    let description: String
  }

  init(_ line: String) throws(Fault) {
    let text = line.trimmingCharacters(in: .whitespaces)
    if text.isEmpty {
      self = .next
    } else if text.hasPrefix("//") {
      self = .prompt(String(text.dropFirst()))
    } else if text.hasPrefix("/") {
      let words = text.dropFirst().split(separator: " ", maxSplits: 1).map(String.init)
      let argument = words.count > 1 ? words[1].trimmingCharacters(in: .whitespaces) : nil
      self = .command(try Self.command(words.first ?? "", argument))
    } else {
      self = .prompt(text)
    }
  }

  private static func command(_ name: String, _ argument: String?) throws(Fault) -> Command {
    func fault(_ reason: String) -> Fault {
      Fault(description: "/\(name)\(argument.map { " \($0)" } ?? ""): \(reason)")
    }
    func alone(_ command: Command) throws(Fault) -> Command {
      guard argument == nil else { throw fault("this command takes nothing") }
      return command
    }
    func number<N: LosslessStringConvertible & Comparable>(_ type: N.Type, _ range: ClosedRange<N>) throws(Fault) -> N {
      guard let argument, let value = N(argument), range.contains(value) else {
        throw fault("give a number from \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
    let isDefault = argument == nil || argument == "default"
    switch name {
    case "again": return .again(argument == nil ? nil : try number(UInt64.self, 0...UInt64.max))
    case "seed": return .seed(argument == "random" ? nil : try number(UInt64.self, 0...UInt64.max))
    case "steps": return .steps(isDefault ? nil : try number(Int.self, 1...1000))
    case "cfg": return .cfg(isDefault ? nil : try number(Double.self, 0...100))
    case "sampler": return .sampler(isDefault ? nil : argument)
    case "size": return try size(argument, fault)
    case "n": return .negative(argument ?? "")
    case "b": return .count(try number(Int.self, 1...Generate.largestBatch))
    case "i":
      guard let argument else { throw fault("give a file, last or none") }
      return .initImage(argument == "none" ? .none : argument == "last" ? .last : .file(argument))
    case "mask":
      guard let argument else { throw fault("give a file or none") }
      return .mask(argument == "none" ? nil : argument)
    case "strength": return .strength(try number(Double.self, 0...1))
    case "vary": return .variation(try number(Double.self, 0...1))
    case "fast":
      guard argument == "on" || argument == "off" else { throw fault("give on or off") }
      return .fast(argument == "on")
    case "model":
      guard let argument else { throw fault("give a name or a directory") }
      return .model(argument)
    case "save": return .save(argument)
    case "show": return try alone(.show)
    case "undo": return try alone(.undo)
    case "set": return try alone(.settings)
    case "help": return try alone(.help)
    case "quit": return try alone(.quit)
    default: throw Fault(description: "there is no command /\(name); /help lists them, // begins a prompt with a slash")
    }
  }

  private static func size(_ argument: String?, _ fault: (String) -> Fault) throws(Fault) -> Command {
    guard let argument, argument != "default" else { return .size(width: nil, height: nil) }
    let sides = argument.lowercased().split(whereSeparator: { "x×".contains($0) }).map { Int($0) }
    guard (1...2).contains(sides.count), let width = sides[0], let height = sides[sides.count - 1],
      (1...65_536).contains(width), (1...65_536).contains(height)
    else { throw fault("give a size such as 512, or 512x384") }
    return .size(width: width, height: height)
  }

  /// The commands and what they do, in two columns.
  static var helpLines: [String] {
    let width = help.map(\.usage.count).max() ?? 0
    return help.map { $0.usage.padding(toLength: width + 2, withPad: " ", startingAt: 0) + $0.text }
  }

  /// The commands with what they take and do.
  static let help: [(usage: String, text: String)] = [
    ("/again [SEED]", "draw the last prompt again, with the settings of now"),
    ("/seed N|random", "seed of the next images"),
    ("/b N", "images for each prompt"),
    ("/steps [N]", "sampling steps; without a number the model's"),
    ("/cfg [X]", "guidance scale; without a number the model's"),
    ("/sampler [NAME]", "sampler; without a name the model's"),
    ("/size [W[xH]]", "size in pixels; without one the model's"),
    ("/n [TEXT]", "negative prompt; without text none"),
    ("/i FILE|last|none", "image to draw from"),
    ("/strength X", "how much of it is changed, 0 to 1"),
    ("/mask FILE|none", "white where the image is drawn again"),
    ("/vary X", "lead the noise of a seed to that of a random one, 0 to 1; 0 is off"),
    ("/fast on|off", "the model's few-step student"),
    ("/model NAME", "another model"),
    ("/save [FILE]", "write the last image to a file of that name"),
    ("/show", "show the last images again"),
    ("/set", "print the settings"),
    ("/undo", "take the last change of settings back"),
    ("/quit", "end; so does Ctrl-D"),
  ]
}
