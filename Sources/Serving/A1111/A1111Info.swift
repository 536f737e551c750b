import Flux
import Foundation
import Support

/// The texts of AUTOMATIC1111's web UI about images.
enum A1111Info {
  /// What `info` holds, as JSON in a string: every field that clients check.
  static func json(_ job: Job, _ model: ServedModel) -> JSONValue {
    let request = job.order.request
    let seeds = job.images.map { JSONValue.int(Int(clamping: $0.seed)) }
    let texts = job.images.map(\.parameters)
    let size = job.order.size(of: model)
    // The noise of an image without a variation is that of its seed alone.
    let second = request.variation?.seed ?? request.seed
    let subseeds = job.images.indices.map { JSONValue.int(Int(clamping: second &+ UInt64($0))) }
    var extra: [(key: String, value: JSONValue)] = []
    if !job.order.ignored.isEmpty { extra.append(("Ignored", .string(job.order.ignored.joined(separator: ", ")))) }
    if job.order.finalSize != nil, let width = request.width, let height = request.height {
      extra.append(("Drawn at", .string("\(width)x\(height)")))
    }
    if !job.order.warnings.isEmpty { extra.append(("Warnings", .string(job.order.warnings.joined(separator: "; ")))) }
    var fields: [(key: String, value: JSONValue)] = [
      ("prompt", .string(request.prompt)), ("all_prompts", .strings(texts.map { _ in request.prompt })),
      ("negative_prompt", .string(request.negativePrompt)),
      ("all_negative_prompts", .strings(texts.map { _ in request.negativePrompt })),
      ("seed", .int(Int(clamping: request.seed))), ("all_seeds", .array(seeds)),
      ("subseed", .int(Int(clamping: second))), ("all_subseeds", .array(subseeds)),
      ("subseed_strength", .double(request.variation?.strength ?? 0)),
      ("width", .int(size.width)), ("height", .int(size.height)),
      ("sampler_name", .string(request.sampler.displayName)), ("cfg_scale", .double(request.guidance.scale)),
      ("steps", .int(request.steps)), ("batch_size", .int(job.order.count)),
    ]
    fields += [
      ("restore_faces", false), ("face_restoration_model", .null), ("sd_model_name", .string(model.name)),
      ("sd_model_hash", .string(String(model.hash.prefix(10)))), ("sd_vae_name", .null), ("sd_vae_hash", .null),
      ("seed_resize_from_w", -1), ("seed_resize_from_h", -1),
      ("denoising_strength", request.edit.map { .double($0.strength) } ?? .null),
      ("extra_generation_params", .object(extra)), ("index_of_first_image", 0), ("infotexts", .strings(texts)),
      ("styles", []), ("job_timestamp", .string(timestamp(job.started ?? job.created))), ("clip_skip", 1),
      ("is_using_inpainting_conditioning", false), ("version", .string("flux \(Version.current)")),
    ]
    return .object(fields)
  }

  /// `YYYYMMDDhhmmss`; zeros where there is no time.
  static func timestamp(_ date: Date?) -> String {
    guard let date else { return "0" }
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
    let numbers = [parts.year, parts.month, parts.day, parts.hour, parts.minute, parts.second].map { $0 ?? 0 }
    return numbers.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined()
  }

  /// The prompts and the fields of a `parameters` text; quoted values lose their quotes.
  static func fields(of text: String) -> [(key: String, value: JSONValue)] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let last = lines.last, last.hasPrefix("Steps: ") else { return [] }
    lines.removeLast()
    var fields: [(key: String, value: JSONValue)] = []
    let start = lines.firstIndex { $0.hasPrefix("Negative prompt: ") } ?? lines.endIndex
    fields.append(("Prompt", .string(lines[..<start].joined(separator: "\n"))))
    let negative = lines[start...].joined(separator: "\n").dropFirst("Negative prompt: ".count)
    fields.append(("Negative prompt", .string(String(negative))))
    for part in split(last) {
      guard let colon = part.range(of: ": ") else { continue }
      let value = String(part[colon.upperBound...])
      let unquoted = value.hasPrefix("\"") ? JSONValue(Array(value.utf8))?.string ?? value : value
      fields.append((String(part[..<colon.lowerBound]), .string(unquoted)))
    }
    return fields
  }

  /// Splits at commas outside of quotes.
  private static func split(_ line: Substring) -> [String] {
    var parts = [""]
    var (isQuoted, isEscaped) = (false, false)
    for character in line {
      if character == ",", !isQuoted {
        parts.append("")
        continue
      }
      if character == "\"", !isEscaped { isQuoted.toggle() }
      isEscaped = character == "\\" && !isEscaped
      parts[parts.count - 1].append(character)
    }
    return parts.map { String($0.drop { $0 == " " }) }
  }
}
