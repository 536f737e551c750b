import ArgumentParser
import Foundation

/// `flux bench`: how fast this machine is.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures how fast this machine is.", subcommands: [BenchTrain.self, BenchGenerate.self])

  /// Prints a result as JSON on one line; nested names are those of diffusers' configurations.
  static func printJSON(_ result: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    print(String(decoding: try encoder.encode(result), as: UTF8.self))
  }

  /// Prints a line of a table.
  static func line(_ name: String, _ value: Double, _ unit: String) {
    print(name.padding(toLength: 16, withPad: " ", startingAt: 0) + String(format: "%.3g ", value) + unit)
  }

  /// How much of what the device can do was reached.
  static func lineOfWork(_ teraflops: Double, _ products: Double) {
    line(
      "arithmetic", teraflops,
      String(format: "TFLOP/s, %.0f %% of the %.3g of large products", 100 * teraflops / products, products))
  }
}
