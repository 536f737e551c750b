extension Double {
  /// The number as sentences show it.
  ///
  /// Swift prints the sign and the payload of a NaN (`-nan`, `nan(0x8000000000000)`), which say nothing to a reader.
  public var shown: String {
    if isNaN { return "NaN" }
    return isInfinite ? (self < 0 ? "-infinity" : "infinity") : "\(self)"
  }
}
