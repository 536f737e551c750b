import Flux
import Foundation
import Models
import Serving
import Support
import TestSupport
import Torch

/// A service with an untrained model of preset tiny, whose images have 64 pixels and cells of 16.
final class ServiceFixture: Sendable {
  let service: FluxService
  private let folder: URL
  private let firstSteps: AsyncStream<Void>
  private let pause: DispatchSemaphore?

  /// With `draws` a thread draws; otherwise jobs wait until a test takes them.
  ///
  /// With `pausing` that thread stops after the first step that it takes, until `goOn()`.
  init(
    draws: Bool = false, pausing: Bool = false, limits: ServerLimits = ServerLimits(),
    access: AccessRules = AccessRules(), page: String? = nil
  ) throws {
    folder = try Project.temporaryFolder()
    let directory = folder.appendingPathComponent("tiny")
    try ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1))).save(to: directory)
    let catalog = ModelCatalog([try ServedModel(directory: directory, textEncoder: Project.minilm)])
    let metrics = ServerMetrics()
    let pause = pausing ? DispatchSemaphore(value: 0) : nil
    let (firstSteps, continuation) = AsyncStream<Void>.makeStream()
    let queue = JobQueue(
      limits: limits, metrics: metrics,
      stepped: { step in
        guard let pause, step == 1 else { return }
        continuation.yield()
        pause.wait()
      })
    (self.pause, self.firstSteps) = (pause, firstSteps)
    service = FluxService(
      catalog: catalog, queue: queue, metrics: metrics, limits: limits, access: access,
      page: page.map { Array($0.utf8) })
    if draws {
      DrawingThread.start(
        for: queue,
        painter: { Painter(catalog, textEncoder: Project.minilm, limits: limits, metrics: metrics) },
        failed: { fatalError("\($0)") })
    } else {
      queue.open()
    }
  }

  deinit {
    service.queue.end()
    pause?.signal()  // for a test that failed before it did so
    try? FileManager.default.removeItem(at: folder)
  }

  /// Waits until the model is loaded.
  func waitUntilReady() async throws {
    while !service.queue.isAccepting { try await Task.sleep(for: .milliseconds(5)) }
  }

  /// Waits until a job has taken its first step.
  func waitForFirstStep() async { for await _ in firstSteps { return } }

  /// Lets the drawing thread go on.
  func goOn() { pause?.signal() }

  /// A request as a client on this machine sends it.
  static func request(
    _ method: String, _ path: String, _ body: String = "", headers: [(name: String, value: String)] = [],
    host: String = "localhost:7860"
  ) -> ServerRequest {
    var fields: [(name: String, value: String)] = [("Host", host)]
    if !body.isEmpty { fields.append(("Content-Type", "application/json")) }
    return ServerRequest(method: method, path: path, headers: HeaderFields(fields + headers), body: Array(body.utf8))
  }

  /// Sends a request through both stages, as the HTTP layer does.
  func send(_ request: ServerRequest) async -> ServerResponse? {
    if let early = service.earlyResponse(to: request) { return early }
    return await service.response(to: request)
  }

  /// Sends a request; gives status and JSON.
  func send(_ method: String, _ path: String, _ body: String = "") async -> (status: Int, json: JSONValue) {
    let response = await send(Self.request(method, path, body))
    return (response?.status ?? 0, JSONValue(response?.bytes ?? []) ?? .null)
  }
}
