import ArgumentParser
import Flux
import Foundation
import Images
import Support

/// Options for images that are made from another image: image-to-image, inpainting and outpainting.
struct ImageOptions: ParsableArguments {
  @Option(
    name: [.customShort("i"), .customLong("init-img"), .customLong("image")],
    help: "Init image (PNG, JPEG or WebP) that the image is made from. Transparent parts are white.",
    completion: Completions.images)
  var initImage: FilePath?
  @Option(
    help: """
      With --init-img: how much is changed, 0 to 1; the share of the steps that are done. 1 without a mask is \
      text-to-image (default: 0.75).
      """)
  var strength: Double?
  @Option(
    help: """
      How the init image gets the proportions of the output: cover (crops), contain (repeats its edges) or stretch \
      (default: cover).
      """)
  var fit: ImageFit?
  @Option(
    help: """
      Image that is white where the init image is redrawn; in an image with transparency, transparent there. The \
      output then has the size of the init image, and all other pixels are unchanged.
      """, completion: Completions.images)
  var mask: FilePath?
  @Flag(
    name: [.customLong("mask-invert"), .customLong("invert-mask")], inversion: .prefixedNo,
    help: "Redraw the black part of the mask, or the white part (default: --no-mask-invert).")
  var maskInvert: Bool?
  @Option(help: "Pixels around the mask in which the new part fades into the init image, 0 to 256 (default: 16).")
  var maskBlur: Int?
  @Option(
    name: [.customLong("mask-fill"), .customLong("inpaint-fill")],
    help: """
      What is under the mask at the start: original, blur (the colors around it), noise or empty (default: original).
      """)
  var maskFill: Inpainting.Fill?
  @Flag(
    inversion: .prefixedNo,
    help: "Draw only the surroundings of the mask, at the model's size, or the whole image (default: --mask-crop).")
  var maskCrop: Bool?
  @Option(help: "Pixels around the mask that are drawn with it (default: 32).") var maskPadding: Int?
  @Option(
    help: ArgumentHelp(
      "Extend the init image by pixels on some sides, such as left=128,top=64.", valueName: "side=pixels,…"))
  var extend: ExtensionArgument?

  func validate() throws {
    if let fault = extend?.fault { throw ValidationError(fault) }
    try NumberRange.check("--strength", strength, 0...1)
    try NumberRange.check("--mask-blur", maskBlur.map(Double.init), 0...256)
    try NumberRange.check("--mask-padding", maskPadding.map(Double.init), 0...16_384)
  }

  /// Throws for options without an effect, beside the edit of an image that is drawn again.
  func check(over recorded: ImageEdit? = nil) throws {
    let inversion = [(maskInvert == true ? "--mask-invert" : "--no-mask-invert", maskInvert != nil)]
    let maskOptions = [
      ("--mask-blur", maskBlur != nil), ("--mask-fill", maskFill != nil), ("--mask-padding", maskPadding != nil),
      (maskCrop == true ? "--mask-crop" : "--no-mask-crop", maskCrop != nil),
    ]
    let others = [
      ("--strength", strength != nil), ("--fit", fit != nil), ("--mask", mask != nil), ("--extend", extend != nil),
    ]
    func refuse(_ options: [(String, Bool)], _ reason: String) throws {
      let given = options.filter(\.1).map(\.0)
      if !given.isEmpty { throw ValidationError("\(reason): remove \(given.joined(separator: ", "))") }
    }
    let hasMask = mask != nil || recorded?.mask != nil
    if initImage == nil, recorded == nil {
      try refuse(others + inversion + maskOptions, "there is no init image (--init-img)")
    }
    if !hasMask { try refuse(inversion, "there is no mask (--mask)") }
    if !hasMask, extend == nil, recorded?.isInpainting != true {
      try refuse(maskOptions, "there is no mask (--mask) and no extension (--extend)")
    }
    if maskCrop == false {
      try refuse([("--mask-padding", maskPadding != nil)], "--no-mask-crop draws the whole image")
    }
  }

  /// Throws for options of the output's size that have no effect or no meaning beside these, or beside those of an image
  /// that is drawn again.
  func checkSize(width: Int?, height: Int?, largeLatents: Bool, over recorded: ImageEdit? = nil) throws {
    let (hasMask, isExtended) = (
      mask != nil || recorded?.mask != nil, extend != nil || recorded?.extend.isEmpty == false
    )
    guard hasMask || isExtended else { return }
    if largeLatents {
      throw ValidationError("--large-latents cannot be combined with \(hasMask ? "--mask" : "--extend")")
    }
    if isExtended, width != nil || height != nil {
      throw ValidationError("--extend sets the size: remove --width, --height and --size")
    }
    if fit != nil, width == nil || height == nil {
      throw ValidationError("--fit has no effect: the init image keeps its proportions; remove it, or give both sides")
    }
  }

  /// An edit whose images are read.
  struct ReadEdit {
    var edit: ImageEdit
    /// The files of its images.
    var files: [FilePath]
    /// Sentences about images that were found.
    var notes: [String] = []
    /// Sentences about images that are others than those of the image that is drawn again.
    var warnings: [String] = []
  }

  /// Reads the images; nil if there is no init image.
  ///
  /// Of an image that is drawn again all settings are taken that no option gives, and its images are looked for by their
  /// hashes in the working folder and beside it.
  func edit(over replayed: Replay? = nil) throws -> ReadEdit? {
    let recorded = replayed?.request.edit
    try check(over: recorded)
    if initImage == nil, recorded == nil { return nil }
    let finder = ImageFinder()
    var (files, notes, warnings): ([FilePath], [String], [String]) = ([], [], [])
    func image(_ given: FilePath?, _ recorded: ReferencedImage?, _ name: String, option: String) throws -> Image? {
      if let given {
        let image = try Self.read(given)
        files.append(given)
        if let recorded, let replayed, ReferencedImage(image) != recorded {
          warnings.append("\(given.text) is another \(name) than that of \(replayed.file.text): the image will differ")
        }
        return image
      }
      guard let recorded, let replayed else { return nil }
      guard let found = finder.find(recorded, in: replayed.nearby) else {
        throw Failure(
          "the \(name) of \(replayed.file.text) (hash \(recorded.hash.prefix(10))) is not in this folder and not beside"
            + " it: give it with \(option)")
      }
      let path = found.file.relativePath
      files.append(FilePath(path.hasPrefix("./") ? String(path.dropFirst(2)) : path))
      notes.append("\(name) \(files[files.count - 1].text)")
      return found.image
    }
    guard let initImage = try image(initImage, recorded?.image, "init image", option: "--init-img") else { return nil }
    var inpainting = recorded?.inpainting ?? Inpainting()
    if let maskInvert { inpainting.isInverted = maskInvert }
    if let maskBlur { inpainting.blur = maskBlur }
    if let maskFill { inpainting.fill = maskFill }
    if let maskCrop { inpainting.crop = maskCrop }
    if let maskPadding { inpainting.padding = maskPadding }
    let edit = ImageEdit(
      image: initImage, strength: strength ?? recorded?.strength ?? 0.75, fit: fit ?? recorded?.fit ?? .cover,
      mask: try image(mask, recorded?.mask, "mask", option: "--mask"),
      extend: extend?.margins ?? recorded?.extend ?? Margins(), inpainting: inpainting)
    try edit.validate()
    return ReadEdit(edit: edit, files: files, notes: notes, warnings: warnings)
  }

  /// A sentence for a strength that does none of the steps; nil for others.
  static func advice(_ edit: ImageEdit, steps: Int, start: Int) -> String? {
    guard start == steps else { return nil }
    return "strength \(edit.strength.shown) of \(steps) steps is no step: the prompt has no effect"
  }

  /// Reads an init image or a mask.
  static func read(_ file: FilePath) throws -> Image {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try FileSlice(path: file.path).read(limit: 1 << 28)
    } catch { throw Failure(error.description) }
    if let (width, height) = ImageFile.size(bytes), width * height > ImageEdit.maxPixels {
      throw EditError.tooLarge(file.text, width: width, height: height)
    }
    return try ImageFile.decode(bytes, file: file.text)
  }
}

/// `left=128,top=64`: pixels to add on some sides.
struct ExtensionArgument: ExpressibleByArgument {
  let margins: Margins
  /// What is wrong with the text; nil if nothing is.
  let fault: String?

  init(argument: String) {
    var margins = Margins()
    func number(_ side: WritableKeyPath<Margins, Int>, _ text: Substring) -> String? {
      guard let pixels = Int(text) else { return "\"\(text)\" is not a number of pixels" }
      guard (1...4096).contains(pixels) else { return "\(pixels) pixels must be 1 to 4096" }
      guard margins[keyPath: side] == 0 else { return "a side is given twice" }
      margins[keyPath: side] = pixels
      return nil
    }
    var fault: String?
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) where fault == nil {
      let words = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let pixels = words.count == 2 ? words[1] : ""
      switch words[0] {
      case "left": fault = number(\.left, pixels)
      case "top": fault = number(\.top, pixels)
      case "right": fault = number(\.right, pixels)
      case "bottom": fault = number(\.bottom, pixels)
      default: fault = "\"\(words[0])\" is not left, top, right or bottom"
      }
    }
    (self.margins, self.fault) = (margins, fault.map { "--extend \(argument): \($0)" })
  }
}

extension ImageFit: ExpressibleByArgument {}
extension Inpainting.Fill: ExpressibleByArgument {}
