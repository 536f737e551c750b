import Flux
import Foundation

/// Draws one image with the library, from the folder of the checkout:
/// `Scripts/build run --package-path Examples/Draw Draw "a red apple on a blue background" apple.png`.
@main
struct Draw {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3 else {
      print("usage: Draw PROMPT FILE.png (in the folder of the checkout)")
      return
    }
    let pipeline = try Pipeline(
      model: URL(fileURLWithPath: "models/mini"), textEncoder: URL(fileURLWithPath: ".deps/minilm"))
    let result = try pipeline.generate(GenerationRequest(prompt: arguments[1])) { step in
      print("step \(step.index + 1) of \(step.count)")
    }
    try result.write(to: URL(fileURLWithPath: arguments[2]))
    print(result.parameters)
  }
}
