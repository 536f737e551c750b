import ArgumentParser
import Flux
import Foundation

/// `flux serve`: starts the server, which is a program of its own; the launcher of a checkout builds it.
struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serves images over HTTP: a page, and the interfaces of OpenAI and AUTOMATIC1111.",
    discussion: "See docs/serving.md, or flux serve --help where the server is built.")

  @Argument(parsing: .captureForPassthrough, help: "Options of the server.") var options: [String] = []

  func run() throws {
    let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    let places = [own, Installation.root.appendingPathComponent(".build/server/release")]
    let programs = places.map { $0.appendingPathComponent("flux-serve").path }
    guard let program = programs.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
      throw Failure("the server is not built: in a checkout of Flux, ./flux serve builds it")
    }
    var arguments: [UnsafeMutablePointer<CChar>?] = ([program] + options).map { strdup($0) } + [nil]
    execv(program, &arguments)
    throw Failure("cannot start \(program): \(String(cString: strerror(errno)))")
  }
}
