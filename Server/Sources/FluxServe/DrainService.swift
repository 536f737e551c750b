import Foundation
import Logging
import ServiceLifecycle
import Serving
import UnixSignals

/// Ends the accepted jobs when the server is asked to stop: they get some seconds, then they are cancelled.
struct DrainService: Service {
  let queue: JobQueue
  let seconds: Int
  let logger: Logger

  func run() async throws {
    try await gracefulShutdown()
    queue.close()
    logger.notice("stopping", metadata: ["waiting": "\(queue.waitingCount)", "running": "\(queue.runningJobs.count)"])
    let queue = queue
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await queue.drain() }
      group.addTask {
        do {
          try await Task.sleep(for: .seconds(seconds))
          queue.cancelAll(.shutdown)
        } catch {}  // all jobs ended before
        await queue.drain()
      }
      group.addTask {
        // A second signal ends the program at once.
        for await _ in await UnixSignalsSequence(trapping: [.sigterm, .sigint]) { _exit(1) }
      }
      _ = await group.next()
      group.cancelAll()
    }
  }
}
