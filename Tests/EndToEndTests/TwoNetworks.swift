import Foundation
import Testing

/// Two network namespaces with a virtual cable between them, which stand for two machines.
struct TwoNetworks {
  private let names: [String]
  private let agent: URL
  private static let addresses = ["10.77.0.1", "10.77.0.2"]

  /// Whether this user may make them on this machine.
  static let arePossible: Bool = {
    let name = "flux-probe-\(getpid())"
    guard geteuid() == 0, (try? ip("netns", "add", name)) == 0 else { return false }
    return (try? ip("netns", "del", name)) == 0
  }()

  /// Makes both, and the command that takes the place of ssh.
  init(in folder: URL) throws {
    names = ["a", "b"].map { "flux-\($0)-\(getpid())" }
    for name in names { try #require(try Self.ip("netns", "add", name) == 0) }
    let cable = ["link", "add", "flux", "netns", names[0], "type", "veth", "peer", "name", "flux", "netns", names[1]]
    try #require(try Self.ip(cable) == 0)
    for (name, address) in zip(names, Self.addresses) {
      try #require(try Self.ip("-n", name, "addr", "add", "\(address)/24", "dev", "flux") == 0)
      for link in ["lo", "flux"] { try #require(try Self.ip("-n", name, "link", "set", link, "up") == 0) }
    }
    agent = folder.appendingPathComponent("agent")
    let temporary = folder.appendingPathComponent("b")  // sockets have short names
    try FileManager.default.createDirectory(at: temporary, withIntermediateDirectories: true)
    let script = "#!/bin/sh\nshift\nexec ip netns exec \(names[1]) env TMPDIR=\(temporary.path) sh -c \"$*\"\n"
    try Data(script.utf8).write(to: agent)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: agent.path)
  }

  /// Starts a process in each.
  var launcher: [String] {
    let network = "10.77.0.0/24"
    return ["ip", "netns", "exec", names[0]] + MPI.launcher(2)
      + ["-H", Self.addresses.joined(separator: ","), "-x", "FLUX_HOME", "-x", "FLUX_MPI"]
      + ["--mca", "plm_rsh_agent", agent.path, "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", network]
      + ["--mca", "oob_tcp_if_include", network]
  }

  /// What came through the cable into the first.
  func bytesReceived() throws -> Int {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["ip", "netns", "exec", names[0], "cat", "/proc/net/dev"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let line = try #require(text.split(separator: "\n").first { $0.contains("flux:") })
    return try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) })
  }

  /// Removes both, and the cable with them.
  func remove() { for name in names { _ = try? Self.ip("netns", "del", name) } }

  @discardableResult
  private static func ip(_ arguments: String...) throws -> Int32 { try ip(arguments) }

  private static func ip(_ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["ip"] + arguments
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
