// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors in our own targets; packages we use are left alone.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// The commit that `flux --version` names: Scripts/build sets it, and it is hexadecimal but for a mark of changes.
let commit = Context.environment["FLUX_COMMIT"].flatMap { $0.isEmpty ? nil : $0 }

let package = Package(
  name: "Flux",
  products: [
    .library(name: "Flux", targets: ["Flux", "CTorchShim"]),
    .library(name: "FluxTraining", targets: ["Training", "Runs", "CTorchShim"]),
    .library(name: "Serving", targets: ["Serving", "CTorchShim"]),
    .library(name: "Diffusion", targets: ["Diffusion", "CTorchShim"]),
    .library(name: "Torch", targets: ["Torch", "CTorchShim"]),
    .library(name: "FluxTorch", type: .dynamic, targets: ["CTorchShim"]),
    .executable(name: "flux", targets: ["FluxCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
  ],
  targets: [
    // Leaves: no tensors, tests in milliseconds.
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "Support", dependencies: ["CCrypto"], swiftSettings: strict),
    .target(name: "Tokenizers", dependencies: ["Support"], swiftSettings: strict),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CWebP", pkgConfig: "libwebp", providers: [.apt(["libwebp-dev"])]),
    .target(name: "Images", dependencies: ["CPNG", "CTurboJPEG", "CWebP"], swiftSettings: strict),

    // Where images come from: drawn scenes, and folders or archives of captioned images. No tensors either.
    .systemLibrary(name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
    .systemLibrary(name: "CFreeType", pkgConfig: "freetype2", providers: [.apt(["libfreetype-dev"])]),
    .target(name: "Scenes", dependencies: ["Images", "Support", "CCairo", "CFreeType"], swiftSettings: strict),
    .target(name: "Datasets", dependencies: ["Images", "Support"], swiftSettings: strict),

    // The tensor engine. `libtorch` is the one place that knows where libtorch lies (through pkg-config).
    .systemLibrary(name: "libtorch", pkgConfig: "libtorch"),
    // The C functions over libtorch that Swift calls: headers, and code that loads the functions at the first call.
    .target(name: "CTorch"),
    // The functions. What is linked with them does not load them; the program `flux` is not, and has the library FluxTorch.
    .target(
      name: "CTorchShim", dependencies: ["libtorch"],
      cxxSettings: [.headerSearchPath("."), .headerSearchPath("../CTorch/include")]),
    .target(name: "Torch", dependencies: ["CTorch", "Support"], swiftSettings: strict),
    .target(name: "NN", dependencies: ["Torch", "Support"], swiftSettings: strict),
    .target(name: "Optimizers", dependencies: ["NN", "Torch"], swiftSettings: strict),
    .target(name: "Models", dependencies: ["NN", "Torch", "Support"], swiftSettings: strict),

    // Diffusion knows no network; the pipeline joins it with them.
    .target(name: "Diffusion", dependencies: ["Torch", "Support"], swiftSettings: strict),
    .target(
      name: "Flux", dependencies: ["Models", "Diffusion", "Tokenizers", "Images", "Torch", "NN", "Support"],
      swiftSettings: strict),

    // The processes that train together; MPI is loaded when it is asked for.
    .target(name: "Distributed", dependencies: ["Torch", "Support"], swiftSettings: strict),
    // The server without HTTP, which the package in Server adds.
    .target(
      name: "Serving", dependencies: ["Flux", "Models", "Diffusion", "Tokenizers", "Images", "Torch", "Support"],
      swiftSettings: strict),

    // The folder of a training run, whatever is trained in it.
    .target(name: "Runs", dependencies: ["Distributed", "NN", "Torch", "Support"], swiftSettings: strict),

    // Training and evaluation know nothing of each other.
    .target(
      name: "Training",
      dependencies: [
        "Distributed", "Runs", "Flux", "Models", "Diffusion", "Optimizers", "Tokenizers", "NN", "Torch", "Scenes",
        "Datasets", "Images", "Support",
      ], swiftSettings: strict),
    .target(
      name: "Evaluation",
      dependencies: ["Runs", "Flux", "Models", "Optimizers", "NN", "Torch", "Scenes", "Images", "Support"],
      swiftSettings: strict),
    .target(
      name: "CBuildInfo", cSettings: commit.map { [.define("FLUX_COMMIT", to: "\"\($0)\"")] } ?? []),
    .target(name: "CStart"),
    .systemLibrary(name: "CEdit", pkgConfig: "libedit", providers: [.apt(["libedit-dev"])]),
    .executableTarget(
      name: "FluxCommand",
      dependencies: [
        "CBuildInfo", "CEdit", "CStart", "Distributed", "Flux", "Runs", "Training", "Evaluation", "Models", "Diffusion",
        "NN", "Torch",
        "Scenes", "Datasets", "Images", "Tokenizers", "Support",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),

    // Tests mirror Sources.
    .target(
      name: "TestSupport", dependencies: ["CTorchShim", "Distributed", "Torch"], path: "Tests/TestSupport",
      swiftSettings: strict),
    .testTarget(name: "SupportTests", dependencies: ["Support", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "TokenizersTests", dependencies: ["Tokenizers", "Torch", "Support", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "ImagesTests", dependencies: ["Images", "Torch", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "ScenesTests", dependencies: ["Scenes", "Images", "Support", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "DatasetsTests", dependencies: ["Datasets", "Images", "Support", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "TorchTests", dependencies: ["Torch", "Support", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "NNTests", dependencies: ["NN", "Torch", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "OptimizersTests", dependencies: ["Optimizers", "Torch", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "ModelsTests", dependencies: ["Models", "NN", "Torch", "Support", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "DiffusionTests", dependencies: ["Diffusion", "Torch", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "FluxTests",
      dependencies: [
        "Flux", "Models", "Diffusion", "NN", "Torch", "Images", "Tokenizers", "Support", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "DistributedTests", dependencies: ["Distributed", "Torch", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "RunsTests", dependencies: ["Distributed", "Runs", "NN", "Torch", "Support", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "ServingTests",
      dependencies: ["Serving", "Flux", "Models", "Diffusion", "Images", "Torch", "Support", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "Distributed", "Training", "Runs", "Flux", "Models", "Diffusion", "Optimizers", "NN", "Torch", "Scenes",
        "Datasets", "Images",
        "Support", "TestSupport",
      ], swiftSettings: strict),
    .testTarget(
      name: "EvaluationTests",
      dependencies: ["Evaluation", "Runs", "Models", "NN", "Torch", "Scenes", "Images", "Support", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "EndToEndTests",
      dependencies: ["FluxCommand", "Flux", "Models", "Torch", "Training", "Images", "TestSupport"],
      swiftSettings: strict),
  ],
  cxxLanguageStandard: .cxx20
)

// The API reference is made by a plugin that nothing else needs: `make docs` sets FLUX_DOCS.
if Context.environment["FLUX_DOCS"] != nil {
  package.dependencies.append(.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}

// `make fuzz` builds one more program, which needs libFuzzer's runtime and modules that are built for it.
if Context.environment["FLUX_FUZZ"] != nil {
  package.targets += [
    .systemLibrary(name: "CFuzzer", path: "Fuzz/CFuzzer"),
    .executableTarget(
      name: "flux-fuzz",
      dependencies: [
        "CFuzzer", "CTorchShim", "Flux", "Serving", "Runs", "Training", "Evaluation", "Models", "Diffusion", "NN",
        "Torch", "Scenes",
        "Datasets", "Images", "Tokenizers", "Support",
      ], path: "Fuzz/FluxFuzz", swiftSettings: strict),
  ]
}
