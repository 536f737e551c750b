import ArgumentParser
import Foundation
import Support
import Training

/// `flux plot`: a run's curves as a drawing.
struct Plot: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws the curves of a training run as SVG.")

  @Argument(help: "The folder of the run.") var folder: FilePath
  @Option(name: .shortAndLong, help: "The SVG to write (default: curves.svg in the folder).") var output: FilePath?

  func run() throws {
    let folder = folder.url
    let target = output?.url ?? folder.appendingPathComponent("curves.svg")
    guard target.pathExtension.lowercased() == "svg" else {
      throw Failure("curves are drawn as SVG: let the name \(target.lastPathComponent) end in .svg", code: 2)
    }
    try AtomicFile.write(Array(TrainingCurves(run: folder).svg().utf8), to: target)
    try printLine(target.relativePath)
  }
}
