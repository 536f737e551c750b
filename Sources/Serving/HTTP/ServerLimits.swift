/// Limits that keep one client from taking all of the server; all are checked before the work that they bound.
public struct ServerLimits: Sendable {
  /// Waiting jobs of all clients together.
  public var waiting = 64
  /// Waiting and running jobs of one client address.
  public var perClient = 16
  /// Images that are denoised together.
  public var batch = 4
  /// Images of one request.
  public var images = 64
  /// Sampling steps of an image.
  public var steps = 1000
  /// Characters of a prompt, as in OpenAI's interface.
  public var promptLength = 32_000
  /// Bytes of a body.
  public var body = 32 << 20
  /// Pixels of an image that a client sends.
  public var pixels = 16 << 20
  /// Bytes of the decoded init images and masks of all jobs that wait or run.
  public var imageBytes = 1 << 30
  /// Pixels of an image that is drawn.
  public var drawnPixels = 16 << 20
  /// Seconds that a job may run.
  public var seconds = 600.0
  /// Seconds that finished jobs and their images are kept.
  public var keptSeconds = 3600.0
  /// Bytes of the images of finished jobs that are kept.
  public var keptBytes = 512 << 20

  /// The limits that `flux serve` begins with.
  public init() {}
}
