/// Why a request cannot be served; every interface writes it in its own form.
public struct RequestError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The status code, 400 … 503.
  public var status: Int
  /// A word for programs, such as `invalid_value`.
  public var code: String
  /// The field that is wrong; nil where it is none.
  public var field: String?
  /// One sentence for people.
  public var message: String
  /// Seconds after which the client may try again; nil where trying again does not help.
  public var retryAfter: Int?

  /// An error; by default a value that is not accepted.
  public init(
    _ message: String, field: String? = nil, code: String = "invalid_value", status: Int = 400, retryAfter: Int? = nil
  ) {
    (self.message, self.field, self.code) = (message, field, code)
    (self.status, self.retryAfter) = (status, retryAfter)
  }

  public var description: String { message }

  static func notSupportedYet(_ what: String) -> RequestError {
    RequestError("\(what) is not supported by this version of Flux", code: "unsupported", status: 400)
  }

  static let notFound = RequestError("there is no such path", code: "not_found", status: 404)
}
