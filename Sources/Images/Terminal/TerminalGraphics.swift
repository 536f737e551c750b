/// The ways in which terminals show images.
public enum TerminalGraphics: String, CaseIterable, Sendable {
  /// The graphics protocol of kitty, which Ghostty, WezTerm and Konsole have too.
  case kitty
  /// Inline images of iTerm2, which mintty and the terminal of Visual Studio Code have too.
  case iterm
  /// Sixel graphics of the VT340, which xterm, foot and others have.
  case sixel
  /// Colored half blocks: two pixels a character, on every terminal with colors.
  case blocks

  /// What a terminal with these environment variables shows; nil if it shows no colors.
  ///
  /// Inside tmux and screen only characters are passed on. Sixel is not found this way, since no variable names it.
  public init?(environment: [String: String]) {
    func value(_ name: String) -> String { environment[name] ?? "" }
    let (term, program) = (value("TERM"), value("TERM_PROGRAM"))
    if term.isEmpty || term == "dumb" { return nil }
    if !value("TMUX").isEmpty || !value("STY").isEmpty {
      self = .blocks
    } else if !value("KITTY_WINDOW_ID").isEmpty || term.contains("kitty") || term.contains("ghostty")
      || ["ghostty", "WezTerm"].contains(program) || !value("KONSOLE_VERSION").isEmpty
    {
      self = .kitty
    } else if ["iTerm.app", "mintty", "vscode"].contains(program) || value("LC_TERMINAL") == "iTerm2" {
      self = .iterm
    } else {
      self = .blocks
    }
  }
}

/// The part of a terminal that an image takes, in character cells.
public struct TerminalArea: Sendable, Equatable {
  /// Number of columns.
  public let columns: Int
  /// Number of rows.
  public let rows: Int

  init(columns: Int, rows: Int) { (self.columns, self.rows) = (columns, rows) }

  /// The area of an image that fits into `columns` and `rows`; cells are taken to be twice as high as wide.
  public init(of image: Image, columns: Int, rows: Int) {
    let (columns, rows) = (max(1, columns), max(1, rows))
    let (width, height) = (Double(image.width), Double(image.height) / 2)  // in units of a column's width
    let factor = min(Double(columns) / width, Double(rows) / height)
    self.columns = min(columns, max(1, Int((width * factor).rounded())))
    self.rows = min(rows, max(1, Int((height * factor).rounded())))
  }
}
