import ArgumentParser
import Foundation
import Runs
import Support

/// `flux plot`: plots the training curves of a run.
struct Plot: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Plots the training curves of a run as SVG.")

  @Argument(help: "Folder of the run.") var folder: FilePath
  @Option(name: .shortAndLong, help: "SVG file to write (default: curves.svg in the folder).") var output: FilePath?

  func run() throws {
    let folder = folder.url
    let target = output?.url ?? folder.appendingPathComponent("curves.svg")
    guard target.pathExtension.lowercased() == "svg" else {
      throw Failure("the plot is an SVG file: the name \(target.lastPathComponent) must end in .svg", code: 2)
    }
    try AtomicFile.write(Array(TrainingCurves(run: folder).svg().utf8), to: target)
    try printLine(target.relativePath)
  }
}
