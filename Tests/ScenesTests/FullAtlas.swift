import Scenes

/// The sprites of the full world as version 1 draws them, loaded once for all tests.
enum FullAtlas {
  static func get() throws -> GlyphAtlas { try loaded.get() }
  private static let loaded = Result { try GlyphAtlas(world: .full, version: .v1) }
}
