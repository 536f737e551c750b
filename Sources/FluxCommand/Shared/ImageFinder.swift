import Flux
import Foundation
import Images
import Support

/// Finds the init image and the mask of an image that is drawn again: its metadata has their hashes only.
///
/// It looks at files that were given and then at the images of folders. Every file is decoded once at most.
final class ImageFinder {
  private let given: [URL]
  private var hashes: [String: String?] = [:]  // of files, by path; nil for one that is no image

  init(given: [FilePath] = []) { self.given = given.map(\.url) }

  /// An image with its pixels and where they were found.
  struct Found {
    let image: Image
    let file: URL
  }

  /// The image with a hash of `ReferencedImage`: among the files given, else in these folders; nil if it is not there.
  func find(_ wanted: ReferencedImage, in folders: [URL]) -> Found? {
    for file in given where hash(of: file) == wanted.hash { return load(file) }
    for folder in folders {
      for file in images(in: folder) where hash(of: file) == wanted.hash { return load(file) }
    }
    return nil
  }

  /// An edit with the pixels of its images, or a sentence about the first one that is not found.
  func complete(_ edit: ImageEdit, in folders: [URL]) -> Result<ImageEdit, Missing> {
    guard let image = find(edit.image, in: folders) else { return .failure(.initImage(edit.image)) }
    var mask: Image?
    if let wanted = edit.mask {
      guard let found = find(wanted, in: folders) else { return .failure(.mask(wanted)) }
      mask = found.image
    }
    var complete = edit
    complete.image = ReferencedImage(image.image)
    complete.mask = mask.map(ReferencedImage.init)
    return .success(complete)
  }

  /// An image that is needed and not found.
  enum Missing: Error {
    case initImage(ReferencedImage), mask(ReferencedImage)

    /// What is missing, and the option that gives it.
    var sentence: String {
      switch self {
      case .initImage(let image): "its init image (hash \(image.hash.prefix(10))) is not found: give it with --init-img"
      case .mask(let image): "its mask (hash \(image.hash.prefix(10))) is not found: give it with --mask"
      }
    }
  }

  private func load(_ file: URL) -> Found? {
    (try? ImageOptions.read(FilePath(file.path))).map { Found(image: $0, file: file) }
  }

  private func hash(of file: URL) -> String? {
    if let known = hashes[file.path] { return known }
    let hash = (try? ImageOptions.read(FilePath(file.path))).map { ReferencedImage($0).hash }
    hashes[file.path] = hash
    return hash
  }

  private func images(in folder: URL) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().filter { !$0.hasPrefix(".") }.map(folder.appendingPathComponent)
      .filter { ImageFile.extensions.contains($0.pathExtension.lowercased()) }
  }
}
