import Flux
import Foundation
import Images

/// The interface that a job came through.
public enum ServerInterface: String, Sendable, CaseIterable {
  /// `/flux/v1`.
  case native
  /// `/v1/images`.
  case openAI = "openai"
  /// `/sdapi/v1`.
  case a1111
}

/// Why a job was cancelled.
public enum CancelReason: String, Sendable {
  /// A client asked for it.
  case client
  /// The client that waited for the answer is gone.
  case disconnected
  /// The server stops.
  case shutdown
  /// It ran longer than a job may.
  case timeout
}

/// An image of a finished job.
public struct ServedImage: Sendable {
  /// The bytes of its file.
  public let bytes: [UInt8]
  /// The format of the file.
  public let format: ImageFile
  /// The seed.
  public let seed: UInt64
  /// Width and height.
  public let size: PixelSize
  /// The generation parameters as text, in the format of AUTOMATIC1111's web UI.
  public let parameters: String
  /// What `flux verify` checks it with; nil for an image that is unfinished.
  public let record: ImageRecord?
  /// SHA-256 of the bytes.
  public let hash: String

  /// A file with what is known of it.
  public init(
    bytes: [UInt8], format: ImageFile, seed: UInt64, size: PixelSize, parameters: String, record: ImageRecord? = nil,
    hash: String
  ) {
    (self.bytes, self.format, self.seed) = (bytes, format, seed)
    (self.size, self.parameters, self.record, self.hash) = (size, parameters, record, hash)
  }
}

/// A failure of a job.
public struct JobFailure: Error, Sendable, Equatable {
  /// A word for programs.
  public let code: String
  /// One sentence.
  public let message: String

  /// The code of requests that turned out to be impossible when they were drawn.
  public static let invalidRequest = "invalid_request"

  /// A failure.
  public init(code: String, message: String) { (self.code, self.message) = (code, message) }
}

/// A job: an order on its way through the queue.
public struct Job: Sendable {
  /// Where a job is on its way.
  public enum Status: String, Sendable {
    /// It waits.
    case queued
    /// It is drawn.
    case running
    /// All images are there.
    case done
    /// Drawing failed.
    case failed
    /// It was cancelled.
    case cancelled
  }

  /// What the drawing thread is asked to do with a running job.
  public enum Stop: Sendable, Equatable {
    /// Stop, without images.
    case cancel(CancelReason)
    /// Stop, with the images as they are.
    case interrupt
  }

  /// A name that nobody can guess.
  public let id: String
  /// The interface.
  public let interface: ServerInterface
  /// What is drawn.
  public internal(set) var order: ImageOrder
  /// The address of the client.
  public let client: String
  /// When it was accepted.
  public let created: Date
  /// When drawing began.
  public internal(set) var started: Date?
  /// When it ended.
  public internal(set) var finished: Date?
  /// Where it is.
  public internal(set) var status = Status.queued
  /// Number of jobs before it, running ones included.
  public internal(set) var position: Int
  /// Steps done, of all its images that are denoised one after the other.
  public internal(set) var step = 0
  /// Steps of the whole job.
  public internal(set) var steps: Int
  /// The latest preview, a small JPEG.
  public internal(set) var preview: [UInt8]?
  /// Finished images.
  public internal(set) var images: [ServedImage] = []
  /// Why it failed.
  public internal(set) var failure: JobFailure?
  /// Why it was cancelled.
  public internal(set) var cancelReason: CancelReason?
  /// Whether the images are unfinished, since a client interrupted the job.
  public internal(set) var isInterrupted = false
  /// What the drawing thread is asked to do.
  public internal(set) var stop: Stop?
  /// What happened, in order; the index + 1 is the event's number.
  public internal(set) var events: [JobEvent] = []

  /// Whether it ended.
  public var isFinished: Bool { finished != nil }

  /// Fraction that is done, 0…1.
  public var progress: Double { isFinished ? 1 : steps == 0 ? 0 : Double(step) / Double(steps) }

  /// Seconds that the rest will take at the speed so far; nil before the first step.
  public func remainingSeconds(at now: Date) -> Double? {
    guard let started, step > 0, !isFinished else { return nil }
    return now.timeIntervalSince(started) / Double(step) * Double(steps - step)
  }
}

/// What happens to a job.
public enum JobEvent: Sendable, Equatable {
  /// It waits behind this number of jobs.
  case queued(position: Int)
  /// Drawing began.
  case started
  /// A step is done.
  case step(index: Int, count: Int)
  /// An image is finished.
  case image(index: Int)
  /// All images are there.
  case done
  /// It failed.
  case failed
  /// It was cancelled.
  case cancelled(CancelReason)

  /// Whether it is the last event of a job.
  public var isLast: Bool {
    switch self {
    case .done, .failed, .cancelled: true
    case .queued, .started, .step, .image: false
    }
  }

  /// Whether the next event of the same kind makes this one superfluous for a client that reads slowly.
  var isReplaceable: Bool {
    switch self {
    case .queued, .step: true
    case .started, .image, .done, .failed, .cancelled: false
    }
  }
}
