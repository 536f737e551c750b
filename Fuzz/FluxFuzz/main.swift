import CFuzzer
import Foundation
import Torch

// flux-fuzz                                   prints the name and the dictionary of every target
// flux-fuzz seeds FOLDER                      writes what fuzzing begins from: FOLDER/TARGET/NUMBER
// FLUX_FUZZ_TARGET=png flux-fuzz OPTION …     libFuzzer on one target; or on files: flux-fuzz FILE …

/// The target of this process, which libFuzzer's callback, a C function, cannot be given.
enum Chosen {
  nonisolated(unsafe) static var target: FuzzTarget?
}

Libtorch.threads = 1
let arguments = CommandLine.arguments
if let name = ProcessInfo.processInfo.environment["FLUX_FUZZ_TARGET"] {
  guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
    fatalError("there is no target \(name): call flux-fuzz without arguments for a list")
  }
  Chosen.target = target
  let length = ["-max_len=\(target.maxLength)"]
  var words: [UnsafeMutablePointer<CChar>?] =
    ([arguments[0]] + length + arguments.dropFirst()).map { strdup($0) } + [nil]
  var count = Int32(words.count - 1)
  let status = words.withUnsafeMutableBufferPointer { buffer in
    var start: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = buffer.baseAddress
    return LLVMFuzzerRunDriver(&count, &start) { bytes, count in
      Chosen.target?.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
      return 0
    }
  }
  Scratch.remove()
  exit(status)
} else if arguments.count == 3, arguments[1] == "seeds" {
  try FuzzTarget.writeSeeds(to: URL(fileURLWithPath: arguments[2]))
  Scratch.remove()
} else {
  for target in FuzzTarget.all { print(target.name, target.dictionary ?? "-") }
}
