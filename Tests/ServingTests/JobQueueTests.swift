import Flux
import Images
import Serving
import Testing

@Suite struct JobQueueTests {
  private let metrics = ServerMetrics()

  private func queue(_ change: (inout ServerLimits) -> Void = { _ in }) -> JobQueue {
    var limits = ServerLimits()
    change(&limits)
    let queue = JobQueue(limits: limits, metrics: metrics)
    queue.open()
    return queue
  }

  private func order(_ prompt: String, steps: Int = 2, count: Int = 1) -> ImageOrder {
    ImageOrder(
      request: GenerationRequest(prompt: prompt, steps: steps), count: count, model: "m", fast: false, finalSize: nil,
      format: .png, quality: 95, previewSteps: 0, hasMetadata: true, ignored: [], warnings: [], tokens: 3)
  }

  @discardableResult
  private func add(_ queue: JobQueue, _ order: ImageOrder, client: String = "a") throws -> String {
    try queue.submit(order, from: .native, client: client).id
  }

  @Test func jobsAreTakenInTheOrderOfTheirArrival() throws {
    let queue = queue()
    let ids = try [2, 3, 4].map { try add(queue, order("x", steps: $0)) }
    for id in ids {
      #expect(queue.take()?.map(\.id) == [id])
      queue.complete(id)
    }
  }

  @Test func idsBeginWithThePrefix() throws {
    let queue = JobQueue(limits: ServerLimits(), metrics: metrics, prefix: "b")
    queue.open()
    let ids = try (0..<2).map { _ in try add(queue, order("x")) }
    #expect(ids.allSatisfy { $0.hasPrefix("b") && $0.count == 33 } && ids[0] != ids[1])
  }

  @Test func waitingJobsThatAgreeAreTakenTogether() throws {
    let queue = queue()
    let first = try add(queue, order("a cat"))
    let other = try add(queue, order("a dog", steps: 9))
    let second = try add(queue, order("a boat", count: 2))
    #expect(queue.take()?.map(\.id) == [first, second])
    queue.complete(first)
    queue.complete(second)
    #expect(queue.take()?.map(\.id) == [other])
  }

  @Test func aBatchIsNotLargerThanItsLimit() throws {
    let queue = queue { $0.batch = 4 }
    let ids = try (0..<6).map { _ in try add(queue, order("a cat")) }
    #expect(queue.take()?.map(\.id) == Array(ids[..<4]))
  }

  @Test func aFullQueueRefusesAndSaysWhenToTryAgain() throws {
    let queue = queue { $0.waiting = 2 }
    try add(queue, order("1"))
    try add(queue, order("2"))
    let error = #expect(throws: RequestError.self) { try add(queue, order("3")) }
    #expect(error?.status == 429 && error?.retryAfter != nil)
  }

  @Test func oneClientDoesNotTakeTheWholeQueue() throws {
    let queue = queue { $0.perClient = 1 }
    try add(queue, order("1"))
    #expect(throws: RequestError.self) { try add(queue, order("2")) }
    try add(queue, order("3"), client: "b")
  }

  @Test func waitingJobsAreCancelledAtOnceAndTheOthersMoveUp() throws {
    let queue = queue()
    let (first, second) = (try add(queue, order("1", steps: 3)), try add(queue, order("2", steps: 4)))
    let third = try add(queue, order("3", steps: 5))
    #expect(queue.cancel(second, .client))
    #expect(queue.job(second)?.status == .cancelled)
    #expect(queue.job(third)?.position == 1)
    #expect(!queue.cancel(second, .client))
    #expect(queue.take()?.map(\.id) == [first])
    #expect(queue.job(third)?.position == 1)
    queue.complete(first)
    #expect(queue.take()?.map(\.id) == [third])
  }

  @Test func runningJobsAreToldToStopAtTheirNextStep() throws {
    let queue = queue()
    let id = try add(queue, order("1"))
    _ = queue.take()
    #expect(queue.report(step: 1, of: [id]).isEmpty)
    #expect(queue.cancel(id, .client))
    #expect(queue.job(id)?.status == .running)
    #expect(queue.report(step: 2, of: [id]) == [id: .cancel(.client)])
    queue.confirmCancelled(id, .client)
    #expect(queue.job(id)?.status == .cancelled)
  }

  @Test func aClosedQueueRefusesAndEveryAcceptedJobEnds() async throws {
    let queue = queue()
    let running = try add(queue, order("1", steps: 3))
    let waiting = try add(queue, order("2", steps: 4))
    _ = queue.take()
    queue.close()
    #expect(throws: RequestError.self) { try add(queue, order("3")) }
    queue.cancelAll(.shutdown)
    _ = queue.report(step: 1, of: [running])
    queue.confirmCancelled(running, .shutdown)
    await queue.drain()
    #expect([running, waiting].allSatisfy { queue.job($0)?.cancelReason == .shutdown })
  }

  @Test func whoWaitsForAJobGetsItsEnd() async throws {
    let queue = queue()
    let id = try add(queue, order("1"))
    async let result = queue.result(of: id)
    _ = queue.take()
    queue.fail(id, JobFailure(code: "failed", message: "no"))
    #expect(await result?.failure?.message == "no")
    #expect(await queue.result(of: id)?.status == .failed)  // also afterwards
  }

  @Test func aJobIsCancelledWhenNobodyWaitsForItAnyMore() async throws {
    let queue = queue()
    let id = try add(queue, order("1"))
    let task = Task { await queue.result(of: id) }
    task.cancel()
    _ = await task.value
    #expect(queue.job(id)?.cancelReason == .disconnected)
  }

  @Test func eventsTellTheWholeStoryAndCanBeResumed() async throws {
    let queue = queue()
    let id = try add(queue, order("1"))
    _ = queue.take()
    for step in 1...2 { _ = queue.report(step: step, of: [id]) }
    queue.complete(id)
    var story: [JobEvent] = []
    for await (number, event) in queue.events(of: id) {
      #expect(number >= story.count)
      story.append(event)
    }
    #expect(story == [.queued(position: 0), .started, .step(index: 2, count: 2), .done])
    var rest: [JobEvent] = []
    for await (_, event) in queue.events(of: id, after: 3) { rest.append(event) }
    #expect(rest == [.step(index: 2, count: 2), .done])
  }

  @Test func imagesAreForgottenWhenTheyTakeTooMuchMemory() throws {
    let queue = queue { $0.keptBytes = 150 }
    let ids = try (0..<2).map { step in
      let id = try add(queue, order("1", steps: step + 1))
      _ = queue.take()
      queue.report(image: ServedImage.ofBytes(100), of: id)
      queue.complete(id)
      return id
    }
    #expect(queue.job(ids[0]) == nil)
    #expect(queue.job(ids[1])?.images.count == 1)
  }
}

extension ServedImage {
  static func ofBytes(_ count: Int) -> ServedImage {
    ServedImage(
      bytes: [UInt8](repeating: 0, count: count), format: .png, seed: 1, size: PixelSize(width: 1, height: 1),
      parameters: "", hash: "")
  }
}
