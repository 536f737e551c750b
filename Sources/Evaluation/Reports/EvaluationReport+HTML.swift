import Foundation
import Images

extension EvaluationReport {
  /// A self-contained HTML page: the table, and every prompt with its images, 128 pixels wide.
  ///
  /// `thumbnails` are in the order of `images`.
  public func html(_ thumbnails: [Image]) throws(ImageError) -> String {
    var body = "<h1>\(Self.escaped(title))</h1>\n<p>\(Self.escaped(how))</p>\n"
    body += Self.tableHTML([heads] + rows, style: "scores") + Self.tableHTML(sharpnessTable, style: "sharpness")
    body += notes.map { "<p>\(Self.escaped($0))</p>\n" }.joined()
    body += "<p>The caption of each image is the judge's reading; green frames are right, red ones wrong. "
    body += "If the learned judge disagrees, its reading follows.</p>\n"
    for kind in [Kind.plain, .paraphrase] {
      for score in scores {
        let mine = images.indices.filter { images[$0].kind == kind && images[$0].category == score.category }
        if mine.isEmpty { continue }
        let right = mine.filter { images[$0].isRight }.count
        let name = score.category.title + (kind == .plain ? "" : ", paraphrased")
        body += "<details\(kind == .plain ? " open" : "")><summary>\(name): \(right) of \(mine.count)</summary>\n"
        for (_, prompt) in Dictionary(grouping: mine, by: { images[$0].index }).sorted(by: { $0.key < $1.key }) {
          body += try promptHTML(prompt, thumbnails)
        }
        body += "</details>\n"
      }
    }
    return """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>\(Self.escaped(title))</title>
      <meta name="viewport" content="width=device-width, initial-scale=1"><style>\(Self.style)</style></head>
      <body>
      \(body)</body></html>

      """
  }

  private var title: String { "GlyphEval: \(settings.model ?? "renders")" }

  private var how: String {
    var parts = ["\(world.rawValue) world", "seed \(settings.seed)", "\(settings.seeds) images per prompt"]
    if settings.quick { parts.append("a tenth of the prompts") }
    if let hash = settings.modelHash { parts.append("model \(hash.prefix(12))") }
    if let steps = settings.steps { parts.append("\(steps) steps") }
    if let sampler = settings.sampler { parts.append(sampler) }
    if let guidance = settings.guidance { parts.append("guidance \(guidance)") }
    if let rescale = settings.guidanceRescale, rescale > 0 { parts.append("rescale \(rescale)") }
    if let levels = settings.guidanceInterval {
      parts.append("at noise levels \(levels.lowerBound) to \(levels.upperBound)")
    }
    return (parts + ["Flux \(settings.version)"]).joined(separator: ", ")
  }

  private static func tableHTML(_ cells: [[String]], style: String) -> String {
    func row(_ cells: [String], _ tag: String) -> String {
      "<tr>" + cells.map { "<\(tag)>\(escaped($0))</\(tag)>" }.joined() + "</tr>"
    }
    guard let head = cells.first else { return "" }
    return "<div class=\"wide\"><table class=\"\(style)\">" + row(head, "th")
      + cells.dropFirst().map { row($0, "td") }.joined() + "</table></div>\n"
  }

  private func promptHTML(_ indices: [Int], _ thumbnails: [Image]) throws(ImageError) -> String {
    var figures = ""
    for index in indices {
      let image = images[index]
      let data = Data(try JPEG.encode(thumbnails[index], quality: 85)).base64EncodedString()
      let verdict = image.isRight ? "right" : "wrong"
      let found = Self.escaped(image.found)
      var other = ""
      if let opinion = image.learned, opinion.isRight != image.isRight {
        other = "<br><b>learned judge: \(opinion.isRight ? "right" : "wrong")</b>, \(Self.escaped(opinion.found))"
      }
      figures += "<figure class=\"\(verdict)\"><img width=\"128\" height=\"128\" loading=\"lazy\" "
      figures += "alt=\"\(verdict): \(found)\" title=\"seed \(image.seed)\" src=\"data:image/jpeg;base64,\(data)\">"
      figures += "<figcaption>\(found)\(other)</figcaption></figure>"
    }
    return "<section><h2>\(Self.escaped(images[indices[0]].prompt))</h2><div>\(figures)</div></section>\n"
  }

  private static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: "\"", with: "&quot;")
  }

  private static let style = """
    :root{color-scheme:light dark}
    body{font:15px/1.45 system-ui,sans-serif;max-width:76em;margin:2em auto;padding:0 1em;
    background:light-dark(#fff,#16181b);color:light-dark(#1b1d20,#e6e7e9)}
    h1{font-size:1.5em}h2{font-size:1em;font-weight:600;margin:0 0 .3em}.wide{overflow-x:auto}
    table{border-collapse:collapse;margin-bottom:1em}th,td{padding:.3em .8em;text-align:right;
    border-bottom:1px solid light-dark(#ddd,#383b40)}th:first-child,td:first-child{text-align:left}
    .scores tr:last-child{font-weight:600}summary{font-size:1.15em;cursor:pointer;margin:1.2em 0 .6em}
    section{display:inline-block;vertical-align:top;margin:0 1.4em 1.2em 0}section div{display:flex;flex-wrap:wrap;gap:6px}
    figure{margin:0;width:136px}img{display:block;border:4px solid;border-radius:4px}
    .right img{border-color:light-dark(#1a8a3c,#3fb765)}.wrong img{border-color:light-dark(#cc3030,#e5605c)}
    figcaption{font-size:.8em;color:light-dark(#555,#a9adb3);overflow-wrap:anywhere}
    """
}
