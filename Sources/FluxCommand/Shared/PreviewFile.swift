import Foundation
import Images
import Support

/// The file of `--preview FILE.png`, which holds the image as it is now.
final class PreviewFile {
  private let url: URL
  /// The format of the file.
  let format: ImageFile
  private var hasFailed = false

  init(_ url: URL) { (self.url, format) = (url, ImageFile(ending: url.pathExtension) ?? .png) }

  /// Replaces the file as a whole; the first failure is reported, and does not stop the drawing.
  func write(_ encode: (ImageFile) throws -> [UInt8]) {
    do {
      // Nothing is lost with a preview, so that it need not wait for the disk.
      try AtomicFile.write(encode(format), to: url, flushing: false)
    } catch {
      if !hasFailed { say("flux: \(error); the image is not shown there") }
      hasFailed = true
    }
  }
}
