import Flux
import Foundation
import Synchronization

/// What the server counts and measures, as Prometheus reads it (text exposition format 0.0.4).
///
/// Labels come from fixed lists: never from a prompt, a path or a field that a client chooses.
public final class ServerMetrics: Sendable {
  private struct Histogram {
    var counts: [Int]
    var sum = 0.0
    var count = 0
  }

  private struct State {
    var counters: [String: [String: Int]] = [:]  // by name and labels
    var gauges: [String: Double] = [:]
    var histograms: [String: [String: Histogram]] = [:]
  }

  private let state = Mutex(State())
  private static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 300]

  /// Metrics without events.
  public init() {}

  private static let help: [(name: String, type: String, text: String)] = [
    ("flux_jobs_total", "counter", "Jobs that ended, by interface and outcome."),
    ("flux_cancelled_total", "counter", "Cancelled jobs, by reason."),
    ("flux_images_total", "counter", "Images that were drawn."),
    ("flux_ignored_fields_total", "counter", "Fields of requests that had no effect, by interface."),
    ("flux_http_requests_total", "counter", "Requests by route, method and status."),
    ("flux_queue_depth", "gauge", "Waiting jobs."),
    ("flux_model_loaded", "gauge", "Models in memory."),
    ("flux_queue_wait_seconds", "histogram", "Seconds between arrival and start of a job."),
    ("flux_generation_seconds", "histogram", "Seconds of a batch by stage."),
    ("flux_step_seconds", "histogram", "Seconds of a sampling step of a batch."),
    ("flux_http_request_seconds", "histogram", "Seconds until the answer of a request began, by route."),
  ]

  // MARK: - Events

  func ended(_ job: Job) {
    count("flux_jobs_total", "api=\"\(job.interface.rawValue)\",outcome=\"\(job.status.rawValue)\"")
    if let reason = job.cancelReason { count("flux_cancelled_total", "reason=\"\(reason.rawValue)\"") }
  }

  func drewImage() { count("flux_images_total", "") }
  func ignored(_ number: Int, _ interface: ServerInterface) {
    if number > 0 { count("flux_ignored_fields_total", "api=\"\(interface.rawValue)\"", by: number) }
  }
  func queueDepth(_ depth: Int) { state.withLock { $0.gauges["flux_queue_depth"] = Double(depth) } }
  func loadedModels(_ number: Int) { state.withLock { $0.gauges["flux_model_loaded"] = Double(number) } }
  func waited(_ seconds: Double) { observe("flux_queue_wait_seconds", "", seconds) }
  func drew(stage: String, _ seconds: Double) { observe("flux_generation_seconds", "stage=\"\(stage)\"", seconds) }
  func stepped(_ seconds: Double) { observe("flux_step_seconds", "", seconds) }

  /// Counts an answered request; `route` is the template of its path.
  public func answered(route: String, method: String, status: Int, seconds: Double) {
    let known = ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT"].contains(method) ? method : "other"
    count("flux_http_requests_total", "route=\"\(route)\",method=\"\(known)\",status=\"\(status)\"")
    observe("flux_http_request_seconds", "route=\"\(route)\"", seconds)
  }

  private func count(_ name: String, _ labels: String, by number: Int = 1) {
    state.withLock { $0.counters[name, default: [:]][labels, default: 0] += number }
  }

  private func observe(_ name: String, _ labels: String, _ value: Double) {
    state.withLock { state in
      let empty = Histogram(counts: [Int](repeating: 0, count: Self.bounds.count))
      var histogram = state.histograms[name]?[labels] ?? empty
      if let index = Self.bounds.firstIndex(where: { value <= $0 }) { histogram.counts[index] += 1 }
      histogram.sum += value
      histogram.count += 1
      state.histograms[name, default: [:]][labels] = histogram
    }
  }

  // MARK: - Text

  /// All metrics as text.
  public var text: String {
    var lines: [String] = []
    func head(_ name: String, _ type: String, _ text: String) {
      lines += ["# HELP \(name) \(text)", "# TYPE \(name) \(type)"]
    }
    func braces(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }
    let state = state.withLock { $0 }
    head("flux_build_info", "gauge", "The version of Flux.")
    lines.append("flux_build_info{version=\"\(Version.current)\"} 1")
    for (name, type, text) in Self.help {
      head(name, type, text)
      for (labels, value) in (state.counters[name] ?? [:]).sorted(by: { $0.key < $1.key }) {
        lines.append("\(name)\(braces(labels)) \(value)")
      }
      if type == "gauge" { lines.append("\(name) \(state.gauges[name] ?? 0)") }
      for (labels, histogram) in (state.histograms[name] ?? [:]).sorted(by: { $0.key < $1.key }) {
        let prefix = labels.isEmpty ? "" : labels + ","
        var sum = 0
        for (bound, count) in zip(Self.bounds, histogram.counts) {
          sum += count
          lines.append("\(name)_bucket{\(prefix)le=\"\(bound)\"} \(sum)")
        }
        lines.append("\(name)_bucket{\(prefix)le=\"+Inf\"} \(histogram.count)")
        lines.append("\(name)_sum\(braces(labels)) \(histogram.sum)")
        lines.append("\(name)_count\(braces(labels)) \(histogram.count)")
      }
    }
    if let bytes = Self.residentBytes {
      head("process_resident_memory_bytes", "gauge", "Resident memory.")
      lines.append("process_resident_memory_bytes \(bytes)")
    }
    if let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
      head("process_open_fds", "gauge", "Open file descriptors.")
      lines.append("process_open_fds \(files)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Resident memory of this process in bytes; nil where the system does not tell.
  static var residentBytes: Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
    let fields = text.split(separator: " ")
    return fields.count > 1 ? Int(fields[1]).map { $0 * sysconf(Int32(_SC_PAGESIZE)) } : nil
  }
}
