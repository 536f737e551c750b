import Foundation

/// What the one thread that draws calls: it takes jobs, and reports their steps, images and ends.
extension JobQueue {
  /// The next jobs, which can be drawn in one batch: waits for them; nil when the server ends.
  public func take() -> [Job]? {
    while true {
      work.wait()
      let taken = state.withLock { state -> [Job]? in
        if state.hasEnded { return nil }
        return takeNow(&state)
      }
      guard let taken else { return nil }
      guard !taken.isEmpty else { continue }  // a cancelled job leaves its signal behind
      metrics.queueDepth(waitingCount)
      for job in taken { metrics.waited(now().timeIntervalSince(job.created)) }
      return taken
    }
  }

  /// The first job, and those behind it that fit into one batch with it.
  private func takeNow(_ state: inout State) -> [Job] {
    guard let first = state.waiting.first, let leader = state.jobs[first] else { return [] }
    var ids = [first]
    var count = leader.order.count
    for id in state.waiting.dropFirst() where count < limits.batch {
      guard let other = state.jobs[id], count + other.order.count <= limits.batch,
        leader.order.canShareBatch(with: other.order)
      else { continue }
      ids.append(id)
      count += other.order.count
    }
    state.waiting.removeAll { ids.contains($0) }
    state.running = ids
    for id in ids {
      state.jobs[id]?.status = .running
      state.jobs[id]?.started = now()
      state.jobs[id]?.position = 0
      append(&state, id, .started)
    }
    movePositions(&state)
    return ids.compactMap { state.jobs[$0] }
  }

  /// Reports a step; gives the jobs that shall stop, and how.
  public func report(step: Int, of ids: [String]) -> [String: Job.Stop] {
    let stops = state.withLock { state in
      var stops: [String: Job.Stop] = [:]
      for id in ids {
        guard var job = state.jobs[id] else { continue }
        job.step = step
        if let started = job.started, now().timeIntervalSince(started) > limits.seconds { job.stop = .cancel(.timeout) }
        stops[id] = job.stop
        state.jobs[id] = job
        append(&state, id, .step(index: step, count: job.steps))
      }
      return stops
    }
    stepped(step)
    return stops
  }

  /// Whether somebody watches one of these jobs and wants a preview after this step.
  public func wantsPreview(_ id: String, step: Int) -> Bool {
    state.withLock { state in
      guard let job = state.jobs[id], job.order.previewSteps > 0 else { return false }
      return step % job.order.previewSteps == 0
    }
  }

  /// Keeps a preview; it travels with the step that is reported next.
  public func report(preview: [UInt8], of id: String) { state.withLock { $0.jobs[id]?.preview = preview } }

  /// Adds a finished image to a job.
  public func report(image: ServedImage, of id: String) {
    state.withLock { state in
      guard let count = state.jobs[id]?.images.count else { return }
      state.jobs[id]?.images.append(image)
      append(&state, id, .image(index: count))
    }
    metrics.drewImage()
  }

  /// Ends a job whose images are all there, or unfinished if it was interrupted.
  public func complete(_ id: String, isInterrupted: Bool = false) {
    state.withLock { state in
      state.jobs[id]?.isInterrupted = isInterrupted
      if let job = state.jobs[id], let started = job.started, !isInterrupted {
        let seconds = now().timeIntervalSince(started) / Double(max(1, job.order.count))
        state.secondsPerImage += 0.3 * (seconds - state.secondsPerImage)
      }
      finish(&state, id, .done)
    }
    reportEnds()
  }

  /// Ends a job with an error.
  public func fail(_ id: String, _ failure: JobFailure) {
    state.withLock { state in
      state.jobs[id]?.failure = failure
      finish(&state, id, .failed)
    }
    reportEnds()
  }

  /// Ends a running job that was cancelled.
  public func confirmCancelled(_ id: String, _ reason: CancelReason) {
    state.withLock { finish(&$0, id, .cancelled, reason: reason) }
    reportEnds()
  }
}
