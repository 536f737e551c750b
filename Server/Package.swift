// swift-tools-version: 6.2
import PackageDescription

// The server is a package of its own, so that neither `make build` nor `make test` fetches or builds what only HTTP needs.
// Everything without HTTP is in Flux's module `Serving`. Scripts/build gives the paths of libtorch.
let package = Package(
  name: "FluxServe",
  products: [.executable(name: "flux-serve", targets: ["FluxServe"])],
  dependencies: [
    .package(name: "Flux", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(
      url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: ["FullFoundation"]),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
  ],
  targets: [
    .executableTarget(
      name: "FluxServe",
      dependencies: [
        .product(name: "Serving", package: "Flux"),
        .product(name: "Flux", package: "Flux"),
        .product(name: "Torch", package: "Flux"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
      ], resources: [.embedInCode("Page/index.html")], swiftSettings: [.treatAllWarnings(as: .error)])
  ]
)
