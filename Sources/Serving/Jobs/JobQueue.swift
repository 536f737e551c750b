import Dispatch
import Foundation
import Synchronization

/// The jobs of a server: a bounded queue in the order of arrival, and the jobs that ended not long ago.
///
/// Any thread may call it. One thread draws: it takes jobs with `take` and reports what becomes of them. Every accepted job
/// ends as done, failed or cancelled.
public final class JobQueue: Sendable {
  struct State {
    var jobs: [String: Job] = [:]
    var waiting: [String] = []  // in the order of arrival
    var running: [String] = []
    var finished: [String] = []  // the oldest first
    var watchers: [String: [Int: AsyncStream<Void>.Continuation]] = [:]
    var lastWatcher = 0
    var isReady = false
    var isClosed = false
    var hasEnded = false
    var secondsPerImage = 1.0
    var drained: [CheckedContinuation<Void, Never>] = []
    var unreported: [Job] = []  // ended, and `ended` was not called yet
  }

  let state = Mutex(State())
  let work = DispatchSemaphore(value: 0)
  let limits: ServerLimits
  let metrics: ServerMetrics
  let now: @Sendable () -> Date
  private let prefix: String
  private let ended: @Sendable (Job) -> Void
  let stepped: @Sendable (_ step: Int) -> Void

  /// An empty queue.
  ///
  /// Names of jobs begin with `prefix`; `now` is the clock, for tests; `ended` is called with every job that ended, and
  /// `stepped` by the thread that draws after every step.
  public init(
    limits: ServerLimits, metrics: ServerMetrics, prefix: String = "",
    now: @escaping @Sendable () -> Date = { Date() }, ended: @escaping @Sendable (Job) -> Void = { _ in },
    stepped: @escaping @Sendable (_ step: Int) -> Void = { _ in }
  ) {
    (self.limits, self.metrics, self.prefix, self.now) = (limits, metrics, prefix, now)
    (self.ended, self.stepped) = (ended, stepped)
  }

  // MARK: - For clients

  /// Accepts an order, or throws why not; gives the job.
  public func submit(_ order: ImageOrder, from interface: ServerInterface, client: String) throws(RequestError) -> Job {
    let accepted: Result<Job, RequestError> = state.withLock { state in
      if state.isClosed {
        return .failure(
          RequestError("the server is stopping", code: "shutting_down", status: 503, retryAfter: 30))
      }
      if !state.isReady {
        return .failure(RequestError("the model is loading", code: "loading", status: 503, retryAfter: 2))
      }
      let own = (state.waiting + state.running).count { state.jobs[$0]?.client == client }
      guard state.waiting.count < limits.waiting, own < limits.perClient else {
        let seconds = max(1, Int((state.secondsPerImage * Double(state.waiting.count + 1)).rounded(.up)))
        let full =
          own >= limits.perClient
          ? "\(own) jobs of this client are waiting; the limit is \(limits.perClient)"
          : "\(state.waiting.count) jobs are waiting; the limit is \(limits.waiting)"
        return .failure(RequestError(full, code: "queue_full", status: 429, retryAfter: min(seconds, 120)))
      }
      let bytes = (state.waiting + state.running).reduce(order.imageBytes) {
        $0 + (state.jobs[$1]?.order.imageBytes ?? 0)
      }
      guard order.imageBytes == 0 || bytes <= limits.imageBytes else {
        return .failure(
          RequestError(
            "the images of waiting jobs take \(limits.imageBytes >> 20) MiB already", code: "queue_full", status: 429,
            retryAfter: 10))
      }
      let position = state.waiting.count + state.running.count
      let rounds = (order.count + limits.batch - 1) / limits.batch
      var job = Job(
        id: prefix + Self.newID(), interface: interface, order: order, client: client, created: now(),
        position: position,
        steps: rounds * order.steps)
      job.events.append(.queued(position: position))
      state.jobs[job.id] = job
      state.waiting.append(job.id)
      return .success(job)
    }
    let job = try accepted.get()
    metrics.queueDepth(waitingCount)
    work.signal()
    return job
  }

  /// A job that waits, runs or ended not long ago.
  public func job(_ id: String) -> Job? { state.withLock { $0.jobs[id] } }

  /// All jobs: running, waiting, then those that ended, the newest first.
  public var jobs: [Job] {
    state.withLock { state in
      (state.running + state.waiting + state.finished.reversed()).compactMap { state.jobs[$0] }
    }
  }

  /// The running jobs.
  public var runningJobs: [Job] { state.withLock { state in state.running.compactMap { state.jobs[$0] } } }

  /// Number of waiting jobs.
  public var waitingCount: Int { state.withLock { $0.waiting.count } }

  /// Whether jobs are accepted.
  public var isAccepting: Bool { state.withLock { $0.isReady && !$0.isClosed } }

  /// Cancels a job: one that waits at once, one that runs after its step.
  ///
  /// False if it ended already or is unknown.
  @discardableResult
  public func cancel(_ id: String, _ reason: CancelReason) -> Bool {
    let wasCancelled = state.withLock { state -> Bool in
      guard var job = state.jobs[id], !job.isFinished else { return false }
      if job.status == .queued {
        state.waiting.removeAll { $0 == id }
        finish(&state, id, .cancelled, reason: reason)
        movePositions(&state)
      } else {
        if job.stop != .some(.cancel(reason)) { job.stop = .cancel(reason) }
        state.jobs[id] = job
      }
      return true
    }
    metrics.queueDepth(waitingCount)
    reportEnds()
    return wasCancelled
  }

  /// Stops the running jobs of an interface after their step; they end with their images as they are.
  public func interrupt(_ interface: ServerInterface) {
    state.withLock { state in
      for id in state.running where state.jobs[id]?.interface == interface && state.jobs[id]?.stop == nil {
        state.jobs[id]?.stop = .interrupt
      }
    }
  }

  /// Waits until a job ended.
  ///
  /// If the task is cancelled meanwhile, the job is, too.
  public func result(of id: String) async -> Job? {
    await withTaskCancellationHandler {
      for await _ in changes(of: id) {
        guard let job = job(id) else { return nil }
        if job.isFinished { return job }
      }
      // The stream of a cancelled task ends; the job itself ends after its step.
      return job(id)
    } onCancel: {
      cancel(id, .disconnected)
    }
  }

  /// The events of a job after a number, with their numbers, as they happen; ends after the last.
  ///
  /// A reader that is slow misses steps and positions that are no longer true, and nothing else.
  public func events(of id: String, after last: Int = 0) -> AsyncStream<(number: Int, event: JobEvent)> {
    let changes = changes(of: id)
    return AsyncStream { continuation in
      let task = Task {
        var next = max(0, last)
        for await _ in changes {
          guard let events = job(id)?.events else { break }
          while next < events.count {
            defer { next += 1 }
            let isReplaced =
              events[next].isReplaceable && next + 1 < events.count && events[next + 1].isReplaceable
            if !isReplaced { continuation.yield((next + 1, events[next])) }
          }
          if events.last?.isLast == true { break }
        }
        continuation.finish()
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }

  /// An element now and at every change of a job; ends with it.
  private func changes(of id: String) -> AsyncStream<Void> {
    AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
      let number = state.withLock { state -> Int? in
        guard let job = state.jobs[id], !job.isFinished else { return nil }
        state.lastWatcher += 1
        state.watchers[id, default: [:]][state.lastWatcher] = continuation
        return state.lastWatcher
      }
      continuation.yield()
      guard let number else { return continuation.finish() }
      // A stream that `finish` ended is no watcher any more, and the lock is held then.
      continuation.onTermination = { [self] reason in
        guard case .cancelled = reason else { return }
        state.withLock { state in
          state.watchers[id]?[number] = nil
          if state.watchers[id]?.isEmpty == true { state.watchers[id] = nil }
        }
      }
    }
  }

  // MARK: - Beginning and end

  /// The model is loaded: from now on jobs are accepted.
  public func open() { state.withLock { $0.isReady = true } }

  /// Accepts no more jobs.
  public func close() { state.withLock { $0.isClosed = true } }

  /// Waits until no job waits or runs.
  public func drain() async {
    await withCheckedContinuation { continuation in
      state.withLock { state in
        if state.waiting.isEmpty, state.running.isEmpty { return continuation.resume() }
        state.drained.append(continuation)
      }
    }
  }

  /// Cancels all jobs.
  public func cancelAll(_ reason: CancelReason) {
    for job in jobs where !job.isFinished { cancel(job.id, reason) }
  }

  /// Makes `take` return nil.
  public func end() {
    state.withLock { $0.hasEnded = true }
    work.signal()
  }

  /// Counts and reports the jobs that ended, without the lock.
  func reportEnds() {
    let jobs = state.withLock { state in
      defer { state.unreported = [] }
      return state.unreported
    }
    for job in jobs {
      metrics.ended(job)
      ended(job)
    }
  }

  // MARK: - Under the lock

  func finish(_ state: inout State, _ id: String, _ status: Job.Status, reason: CancelReason? = nil) {
    guard var job = state.jobs[id], !job.isFinished else { return }
    (job.status, job.finished, job.cancelReason, job.preview) = (status, now(), reason, nil)
    if status != .done { job.images = [] }
    job.order.forgetImages()
    if status == .done, !job.isInterrupted { job.step = job.steps }
    state.jobs[id] = job
    state.running.removeAll { $0 == id }
    state.finished.append(id)
    let event: JobEvent =
      switch status {
      case .done: .done
      case .cancelled: .cancelled(reason ?? .client)
      case .failed, .queued, .running: .failed
      }
    append(&state, id, event)
    for watcher in (state.watchers.removeValue(forKey: id) ?? [:]).values { watcher.finish() }
    state.unreported.append(job)
    forget(&state)
    if state.waiting.isEmpty, state.running.isEmpty {
      state.drained.forEach { $0.resume() }
      state.drained = []
    }
  }

  func append(_ state: inout State, _ id: String, _ event: JobEvent) {
    state.jobs[id]?.events.append(event)
    state.watchers[id]?.values.forEach { $0.yield() }
  }

  /// Tells waiting jobs how many are before them.
  func movePositions(_ state: inout State) {
    for (index, id) in state.waiting.enumerated() {
      let position = index + state.running.count
      guard state.jobs[id]?.position != position else { continue }
      state.jobs[id]?.position = position
      append(&state, id, .queued(position: position))
    }
  }

  /// Forgets jobs that ended long ago, or whose images take too much memory, the oldest first.
  private func forget(_ state: inout State) {
    let oldest = now().addingTimeInterval(-limits.keptSeconds)
    var bytes = state.finished.reduce(0) { $0 + Self.bytes(state.jobs[$1]) }
    while let id = state.finished.first, let job = state.jobs[id] {
      let isOld = job.finished.map { $0 < oldest } ?? true
      guard isOld || bytes > limits.keptBytes || state.finished.count > 1000 else { break }
      bytes -= Self.bytes(job)
      state.finished.removeFirst()
      state.jobs[id] = nil
    }
  }

  private static func bytes(_ job: Job?) -> Int { job?.images.reduce(0) { $0 + $1.bytes.count } ?? 0 }

  /// 128 random bits in hexadecimal.
  private static func newID() -> String {
    (0..<4).map { _ in
      let part = String(UInt32.random(in: 0...UInt32.max), radix: 16)
      return String(repeating: "0", count: 8 - part.count) + part
    }.joined()
  }
}
