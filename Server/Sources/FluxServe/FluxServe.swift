import ArgumentParser
import Flux
import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import Serving
import Torch

/// `flux serve`: the HTTP layer around the module `Serving`.
@main
struct FluxServe: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flux serve", abstract: "Serves images over HTTP.",
    discussion: """
      The page is at http://127.0.0.1:7860/. Clients of OpenAI's Images API use http://127.0.0.1:7860/v1, those of \
      AUTOMATIC1111's web UI http://127.0.0.1:7860. See docs/serving.md.
      """, version: "flux-serve \(Version.current)")

  @OptionGroup var models: ModelOptions
  @OptionGroup var network: NetworkOptions

  @Option(help: "Waiting jobs; more are refused until there is room.") var queue: Int = 64
  @Option(help: "Images that are denoised together.") var batchSize: Int = 4
  @Option(help: "Seconds that accepted jobs have to end after SIGTERM.") var drain: Int = 30
  @Option(help: "Sizes that the model does not generate: fit (drawn and resampled) or strict (refused).")
  var sizePolicy: SizePolicy = .fit
  @Flag(help: "Refuse unknown model names of OpenAI's clients instead of using the default model.") var strictModel =
    false
  @Flag(help: "Serve no page.") var withoutPage = false
  @Option(help: "Log level: debug, info, notice, warning or error.") var logLevel: Logger.Level = .info
  @Flag(help: "Write the log as JSON, one object a line.") var logJSON = false

  func validate() throws {
    try check("--queue", queue, 1...10_000)
    try check("--batch-size", batchSize, 1...64)
    try check("--drain", drain, 0...3600)
  }

  func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    let logger = ServerLog.logger(level: logLevel, json: logJSON)
    do {
      try await serve(logger)
    } catch let error as ServeError {
      Self.end("\(error)", 2)
    } catch { Self.end("\(error)", 1) }
  }

  private func serve(_ logger: Logger) async throws {
    var limits = ServerLimits()
    (limits.waiting, limits.batch) = (queue, batchSize)
    let access = try network.accessRules()
    if network.noToken, !AccessRules.isLoopback(network.host) {
      logger.warning("anyone who reaches this address can use the server: there is no token")
    }
    let metrics = ServerMetrics()
    let jobs = JobQueue(
      limits: limits, metrics: metrics, prefix: network.jobPrefix, ended: { ServerLog.report($0, to: logger) })
    let catalog = try models.catalog()
    var options = FluxService.Options()
    (options.strictModel, options.sizePolicy) = (strictModel, sizePolicy)
    let service = FluxService(
      catalog: catalog, queue: jobs, metrics: metrics, limits: limits, access: access, options: options,
      page: withoutPage ? nil : PackageResources.index_html)
    try models.startDrawing(catalog, jobs, limits, metrics) { error in Self.end("\(error)", 1) }
    try await run(service, logger)
  }

  private func run(_ service: FluxService, _ logger: Logger) async throws {
    let address = "http://\(network.host.contains(":") ? "[\(network.host)]" : network.host):\(network.port)"
    var channel = HTTP1Channel.Configuration(idleTimeout: .seconds(60))
    channel.httpDecoder = .init(maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 16 << 10, maxHeaderFieldCount: 100)
    let application = Application(
      responder: ServiceResponder(service: service, proxies: TrustedProxies(Set(network.trustedProxy))),
      server: .http1(configuration: channel),
      configuration: ApplicationConfiguration(
        address: .hostname(network.host, port: network.port), serverName: "flux",
        availableConnectionsDelegate: MaximumAvailableConnections(256, logger: logger)),
      onServerRunning: { channel in
        let port = channel.localAddress?.port ?? 0
        logger.notice("listening", metadata: ["address": "\(address)", "port": "\(port)"])
      }, logger: logger)
    let ending = DrainService(queue: service.queue, seconds: drain, logger: logger)
    // The last service is shut down first: jobs end before the connections of those who wait for them.
    let group = ServiceGroup(
      configuration: .init(
        services: [application, ending], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    do {
      try await group.run()
    } catch let error as IOError {
      throw ServeError(
        error.errnoCode == EADDRINUSE
          ? "\(address) is in use: give another --port" : "cannot listen on \(address): \(error)")
    }
    service.queue.end()
    logger.notice("stopped")
  }

  /// Ends the program with a sentence.
  private static func end(_ sentence: String, _ code: Int32) -> Never {
    FileHandle.standardError.write(Data("flux: \(sentence)\n".utf8))
    // Not `exit`: it would run destructors of libtorch while the drawing thread uses it.
    _exit(code)
  }
}

/// A mistake in the call, in a sentence.
struct ServeError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Throws unless a value of an option is in its range.
func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
  guard range.contains(value) else {
    throw ValidationError("\(name) \(value) must be \(range.lowerBound) to \(range.upperBound)")
  }
}

extension SizePolicy: @retroactive ExpressibleByArgument {}
extension Logger.Level: @retroactive ExpressibleByArgument {}
