import Foundation

@testable import Datasets
@testable import Support

extension FuzzTarget {
  /// Tables, records and text files that say what images show.
  static var captions: [FuzzTarget] {
    [
      FuzzTarget("csv", dictionary: "csv", maxLength: 1024, seeds: { Seeds.texts(table, quoted) }) { bytes in
        let rows = try CSV.rows(bytes)
        demand(zip(rows, rows.dropFirst()).allSatisfy { $0.line < $1.line }, "rows that go back")
      },
      FuzzTarget("metadata-csv", dictionary: "csv", maxLength: 1024, seeds: { Seeds.texts(table, quoted) }) { bytes in
        try readFolder(bytes, "metadata.csv")
      },
      FuzzTarget("metadata-jsonl", dictionary: "json", maxLength: 1024, seeds: { Seeds.texts(lines) }) { bytes in
        try readFolder(bytes, "metadata.jsonl")
      },
      FuzzTarget(
        "caption-text", maxLength: 1024, seeds: { Seeds.texts("a red apple\r\na star\n\n", "\u{feff}e\u{301}") }
      ) {
        for line in CaptionText.lines($0) {
          demand(!line.isEmpty && !line.contains("\n"), "an empty or broken caption")
        }
      },
      FuzzTarget("caption-record", dictionary: "json", maxLength: 1024, seeds: { Seeds.texts(record) }) { bytes in
        guard let record = JSONValue(CaptionText.withoutMark(bytes)) else { return }
        for caption in try CaptionText.captions(in: record).captions { demand(!caption.isEmpty, "an empty caption") }
      },
      FuzzTarget("names", maxLength: 512, seeds: { Seeds.texts(names) }) { readNames($0) },
    ]
  }

  private static let table = "file_name,text\na.png,a red apple\nd/b.png,\"a star, blue\"\n"
  private static let quoted = "\u{feff}text,file_name\r\n\"two\nlines \"\"here\"\"\",a.png\r\n"
  private static let record = #"{"file_name":"a.png","text":null,"caption":["a red apple","一つの林檎"]}"#
  private static let lines = record + "\n" + #"{"file_name":"./d/b.png","prompt":"a \"blue\" star"}"# + "\n"
  private static let names =
    "a.png\na.txt\nd/a-masklabel.png\nd/a.png\nmasks/a.png\nimages/a.png\ne\u{301}.jpg\n\u{e9}.caption"

  /// A folder that holds one table and no image.
  private static func readFolder(_ bytes: [UInt8], _ name: String) throws {
    let folder = Scratch.folder(name)
    Scratch.write(bytes, name, in: folder)
    let images = try ImageFolder(folder)
    _ = images.warnings
    for index in 0..<images.count {
      demand(!images.id(index).isEmpty, "an image without a name")
      _ = images.captions(index)
    }
  }

  /// The names of a folder's files, one a line.
  private static func readNames(_ bytes: [UInt8]) {
    let names = bytes.split(separator: 10).filter { !$0.contains(0) }.map { ByteString($0) }
    for name in names {
      _ = (FileName.isHidden(name), FileName.kind(name), FileName.keyAndField(FileName.withoutDotSlash(name)))
    }
    let listing = TextFileLayout.list(names, in: "/nowhere")
    let images = names.filter(FileName.isImage).count
    demand(listing.entries.count + listing.masks.count == images, "images that are neither listed nor masks")
  }
}
