import Foundation

/// The facts of a captioned scene as other programs read them: one line of `metadata.jsonl`.
///
/// `file_name` and `text` are the keys that Hugging Face `datasets` looks for in a folder of images.
struct SceneFacts: Encodable {
  struct Object: Encodable {
    let name: String
    let color: String?  // of a shape
    let size: Scene.Size
    let box: [Double]  // left, top, right, bottom in pixels
  }

  let fileName: String
  let text: String
  let objects: [Object]
  let place: Scene.Place?
  let relation: Scene.Relation?
  let arrangement: Scene.Arrangement?
  let background: String
  let look: Scene.Look
  let claims: CaptionedScene.Claims

  enum CodingKeys: String, CodingKey {
    case fileName = "file_name"
    case text, objects, place, relation, arrangement, background, look, claims
  }

  init(_ example: CaptionedScene, fileName: String, size: Int, atlas: GlyphAtlas) {
    let scene = example.scene
    self.fileName = fileName
    text = example.caption
    objects = scene.objects.map { placed in
      let (width, height) = atlas.extent(of: placed, look: scene.look)
      let box = [
        placed.x - width / 2, placed.y - height / 2, placed.x + width / 2, placed.y + height / 2,
      ].map { ($0 * Double(size) * 10).rounded() / 10 }
      var color: String?
      if case .shape(_, let name) = placed.object { color = name.rawValue }
      return Object(name: placed.object.noun, color: color, size: placed.size, box: box)
    }
    place = scene.place
    relation = scene.relation
    arrangement = scene.arrangement
    background = scene.background.label
    look = scene.look
    claims = example.claims
  }

  /// The facts as one line of JSON, without the line's end.
  func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self))
  }
}
