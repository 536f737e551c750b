// swift-tools-version: 6.2
import PackageDescription

// A package that uses Flux as others would. Two things are not in here, since they are paths of one machine:
// PKG_CONFIG_PATH, where libtorch.pc lies, and the run-time path of libtorch. Scripts/build gives both.
let package = Package(
  name: "Draw",
  dependencies: [.package(name: "Flux", path: "../..")],
  targets: [
    .executableTarget(name: "Draw", dependencies: [.product(name: "Flux", package: "Flux")], path: "Sources")
  ]
)
