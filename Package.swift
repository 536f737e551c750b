// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors in our own targets; packages we use are left alone.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
  name: "Flux",
  products: [
    .library(name: "Flux", targets: ["Flux"]),
    .executable(name: "flux", targets: ["FluxCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
  ],
  targets: [
    // The tensor engine. `libtorch` is the one place that knows where libtorch lies (through pkg-config).
    .systemLibrary(name: "libtorch", pkgConfig: "libtorch"),
    .target(name: "CTorch", dependencies: ["libtorch"]),
    .target(name: "Torch", dependencies: ["CTorch", "Files"], swiftSettings: strict),
    .target(name: "NN", dependencies: ["Torch"], swiftSettings: strict),
    .target(name: "Models", dependencies: ["NN", "Torch", "Files"], swiftSettings: strict),

    // Diffusion knows no network; the pipeline joins it with them.
    .target(name: "Diffusion", dependencies: ["Torch", "Names"], swiftSettings: strict),
    .target(
      name: "Flux", dependencies: ["Models", "Diffusion", "Tokenizers", "Raster", "Torch", "NN", "Files"],
      swiftSettings: strict),

    // Leaves: no tensors, tests in milliseconds.
    .target(name: "Files", swiftSettings: strict),
    .target(name: "Names", swiftSettings: strict),
    .target(name: "Tokenizers", swiftSettings: strict),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CWebP", pkgConfig: "libwebp", providers: [.apt(["libwebp-dev"])]),
    .systemLibrary(name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
    .systemLibrary(name: "CFreeType", pkgConfig: "freetype2", providers: [.apt(["libfreetype-dev"])]),
    .target(
      name: "Raster", dependencies: ["CPNG", "CTurboJPEG", "CWebP", "CCairo", "CFreeType"],
      swiftSettings: strict),

    .target(name: "Data", dependencies: ["Raster", "Torch", "Files"], swiftSettings: strict),
    .target(
      name: "Evaluation", dependencies: ["Data", "Raster", "Models", "Torch", "Files"], swiftSettings: strict),
    .target(
      name: "Training",
      dependencies: ["Flux", "Models", "Diffusion", "Data", "Torch", "NN", "Files", "Raster"],
      swiftSettings: strict),
    .executableTarget(
      name: "FluxCommand",
      dependencies: [
        "Flux", "Training", "Data", "Evaluation", "Models", "Diffusion", "Tokenizers", "Raster", "Torch", "Files",
        "Names",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),

    // What a program over the library looks like.
    .executableTarget(name: "Draw", dependencies: ["Flux"], path: "Examples/Draw", swiftSettings: strict),

    // Tests mirror Sources.
    .target(name: "TestSupport", dependencies: ["Torch"], path: "Tests/TestSupport", swiftSettings: strict),
    .testTarget(name: "TorchTests", dependencies: ["Torch", "Files", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "DiffusionTests", dependencies: ["Diffusion", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "ModelsTests", dependencies: ["Models", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "NNTests", dependencies: ["NN", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "NamesTests", dependencies: ["Names"], swiftSettings: strict),
    .testTarget(name: "TokenizersTests", dependencies: ["Tokenizers", "Files", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "RasterTests", dependencies: ["Raster", "Torch", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "DataTests", dependencies: ["Data", "Files", "Raster", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "EvaluationTests", dependencies: ["Evaluation", "Models", "Data", "Raster", "Torch", "TestSupport"],
      swiftSettings: strict),
    .testTarget(name: "FluxTests", dependencies: ["Flux", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "TrainingTests", dependencies: ["Training", "Data", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "EndToEndTests", dependencies: ["FluxCommand", "Flux", "Raster", "Torch", "TestSupport"],
      swiftSettings: strict),
  ],
  cxxLanguageStandard: .cxx20
)
