import ArgumentParser

/// A stretch of time as people type it: 90s, 9m, 1h30m; a plain number is seconds.
struct TimeLimit: ExpressibleByArgument {
  let seconds: Double

  init?(argument: String) {
    let units: [Character: Double] = ["h": 3600, "m": 60, "s": 1]
    var (total, number): (Double, String) = (0, "")
    for character in argument {
      guard let unit = units[character] else {
        number.append(character)
        continue
      }
      guard let value = Double(number), value >= 0 else { return nil }
      total += value * unit
      number = ""
    }
    if !number.isEmpty {
      guard let value = Double(number), value >= 0 else { return nil }
      total += value
    }
    guard total > 0, total.isFinite else { return nil }
    seconds = total
  }
}
