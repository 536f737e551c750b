import ArgumentParser
import Foundation
import Images

/// A value of `--preview`: where unfinished images are shown.
enum PreviewMode: ExpressibleByArgument {
  /// In the terminal, as its environment variables say.
  case auto
  case none
  case terminal(TerminalGraphics)
  case file(FilePath)
  /// Text that is none of these.
  case unknown(String)

  init(argument: String) {
    let format = ImageFile(ending: URL(fileURLWithPath: argument).pathExtension)
    switch argument {
    case "auto": self = .auto
    case "none": self = .none
    default:
      if let graphics = TerminalGraphics(rawValue: argument) {
        self = .terminal(graphics)
      } else {
        self = format == nil ? .unknown(argument) : .file(FilePath(argument))
      }
    }
  }

  /// The names of the modes that are no file.
  static let names = ["auto"] + TerminalGraphics.allCases.map(\.rawValue) + ["none"]

  static var defaultCompletionKind: CompletionKind {
    .custom { _, _, prefix in
      names.filter { $0.hasPrefix(prefix) } + Completions.paths(prefix, [".png", ".jpg", ".jpeg", ".webp"])
    }
  }

  var defaultValueDescription: String { "auto" }

  /// Throws for text that is no mode.
  func check() throws(ValidationError) {
    guard case .unknown(let text) = self else { return }
    throw ValidationError(
      "--preview \(text) is none of \(Self.names.joined(separator: ", ")), and no file whose name ends in .png, .jpg or"
        + " .webp")
  }

  /// How unfinished images are shown in a terminal with these environment variables; nil where they are not.
  ///
  /// NO_COLOR (no-color.org) keeps `auto` from half blocks, which are nothing but colors.
  func graphics(environment: [String: String]) -> TerminalGraphics? {
    switch self {
    case .terminal(let graphics): return graphics
    case .auto:
      let graphics = TerminalGraphics(environment: environment)
      return graphics == .blocks && environment["NO_COLOR"]?.isEmpty == false ? nil : graphics
    case .none, .file, .unknown: return nil
    }
  }

  /// How finished images are shown where that was asked for, in spite of NO_COLOR; nil where the terminal shows none.
  func graphicsOfShow(environment: [String: String]) -> TerminalGraphics? {
    if case .terminal(let graphics) = self { return graphics }
    return TerminalGraphics(environment: environment)
  }
}
