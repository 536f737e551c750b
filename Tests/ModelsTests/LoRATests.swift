import Foundation
import NN
import TestSupport
import Testing
import Torch

@testable import Models

@Suite struct LoRATests {
  private let golden = Project.golden("unet/ship-like")

  private func run(_ unet: UNet, _ folder: URL) throws -> Tensor {
    let inputs = try SafetensorsFile(folder.appendingPathComponent("case.safetensors"))
    func optional(_ key: String) throws -> Tensor? { inputs.info(key) == nil ? nil : try inputs.tensor(key) }
    return try withNoGrad {
      try unet(
        inputs.tensor("sample"), timesteps: inputs.tensor("timesteps"), context: inputs.tensor("context"),
        contextMask: optional("mask"), classLabels: optional("class_labels"))
    }
  }

  /// A LoRA that changes something: B is not zero.
  private func random(_ unet: UNet, rank: Int = 4) -> LoRA {
    let lora = LoRA(for: unet, rank: rank, Generator(seed: 3))
    for pair in lora.pairs { pair.up.normal_(std: 0.1, generator: Generator(seed: 4)) }
    return lora
  }

  /// The error of loading what `tensors` makes of a LoRA's file.
  private func error(
    metadata: [String: String] = [:], _ change: (inout [NamedTensor]) -> Void
  ) throws -> String? {
    try Project.inTemporaryFolder { folder in
      let unet = try UNet.load(from: golden)
      let file = folder.appendingPathComponent(LoRA.fileName)
      var tensors = random(unet).parameters.map { (key: "unet.\($0.key)", tensor: $0.tensor) }
      change(&tensors)
      try Safetensors.write(tensors, metadata: metadata, to: file)
      let error = #expect(throws: CheckpointError.self) { _ = try LoRA.load(file, for: unet) }
      return error?.description.replacingOccurrences(of: file.path, with: "FILE")
    }
  }

  /// PEFT's files, their alpha in the metadata, on projections that are matrices and such that are convolutions.
  @Test(arguments: ["one-level", "ship-like"]) func whatPEFTSavedDoesWhatItDoesInDiffusers(_ name: String) throws {
    let folder = Project.golden("unet/\(name)")
    let unet = try UNet.load(from: folder)
    try LoRA.load(folder.appendingPathComponent(LoRA.fileName), for: unet).merge(into: unet)
    let expected = try SafetensorsFile(folder.appendingPathComponent("lora.safetensors")).tensor("output")
    expectClose(try run(unet, folder), expected, atol: 2e-4, name)
  }

  @Test func aNewOneChangesNothing() throws {
    let unet = try UNet.load(from: golden)
    let before = try run(unet, golden)
    LoRA(for: unet, rank: 4, Generator(seed: 1)).merge(into: unet)
    #expect(try run(unet, golden).bytes() == before.bytes())
  }

  @Test func itReachesEveryMatrixAndKernel() throws {
    let unet = try UNet.load(from: golden)
    let before = Dictionary(uniqueKeysWithValues: unet.parameters.map { ($0.key, $0.tensor.clone()) })
    random(unet).merge(into: unet)
    for (key, tensor) in unet.parameters {
      let isSame = try #require(before[key]).bytes() == tensor.bytes()
      #expect(isSame == (tensor.rank < 2), "\(key)")
    }
  }

  @Test func aFileHoldsWhatWasSaved() throws {
    try Project.inTemporaryFolder { folder in
      let unet = try UNet.load(from: golden)
      let lora = random(unet)
      let file = folder.appendingPathComponent(LoRA.fileName)
      try lora.save(to: file, as: .float32)
      let read = try LoRA.load(file, for: unet)
      let saved = Dictionary(uniqueKeysWithValues: lora.parameters.map { ($0.key, $0.tensor) })
      #expect(read.parameters.count == saved.count)
      for (key, tensor) in read.parameters { #expect(try #require(saved[key]).bytes() == tensor.bytes(), "\(key)") }
    }
  }

  @Test func itsScaleIsAFactor() throws {
    let (whole, halves) = (try UNet.load(from: golden), try UNet.load(from: golden))
    let lora = random(whole)
    lora.merge(into: whole)
    for _ in 0..<2 { lora.merge(into: halves, scale: 0.5) }
    expectClose(try run(halves, golden), try run(whole, golden), atol: 1e-4)
  }

  /// The older spelling, and an alpha of its own for a layer.
  @Test func olderNamesAndAlphasAreRead() throws {
    try Project.inTemporaryFolder { folder in
      let unet = try UNet.load(from: golden)
      let pair = try #require(random(unet).pairs.first { $0.layer == "mid_block.attentions.0.proj_in" })
      let file = folder.appendingPathComponent(LoRA.fileName)
      let layer = "unet.\(pair.layer)"
      try Safetensors.write(
        [
          ("\(layer).lora.down.weight", pair.down), ("\(layer).lora.up.weight", pair.up), ("\(layer).alpha", Tensor(2)),
        ], to: file)
      let read = try #require(try LoRA.load(file, for: unet).pairs.first)
      expectClose(read.change, pair.change * (2.0 / 4), atol: 1e-6)
    }
  }

  /// Loads one layer whose alpha is as given, and says what its change is a multiple of.
  private func scale(alpha: Tensor? = nil, metadata: [String: String] = [:]) throws -> Double {
    try Project.inTemporaryFolder { folder in
      let unet = try UNet.load(from: golden)
      let pair = try #require(random(unet).pairs.first { $0.layer == "conv_in" })
      let file = folder.appendingPathComponent(LoRA.fileName)
      var tensors: [NamedTensor] = [
        ("unet.conv_in.lora_A.weight", pair.down), ("unet.conv_in.lora_B.weight", pair.up),
      ]
      if let alpha { tensors.append(("unet.conv_in.alpha", alpha)) }
      try Safetensors.write(tensors, metadata: metadata, to: file)
      let read = try #require(try LoRA.load(file, for: unet).pairs.first)
      return (read.change / pair.change).mean().item()
    }
  }

  @Test(arguments: [DType.float32, .bfloat16, .int64, .int32, .uint8])
  func anAlphaIsOneNumberOfAnyType(_ dtype: DType) throws {
    #expect(abs(try scale(alpha: Tensor(2).to(dtype)) - 0.5) < 1e-5)
    #expect(abs(try scale(alpha: Tensor([2 as Float], shape: [1]).to(dtype)) - 0.5) < 1e-5)
  }

  @Test func alphasThatAreNotOneNumberAreRefused() throws {
    for shape in [[2, 2], [0], [2], [1, 1]] {
      let message = try error { $0.append(("unet.conv_in.alpha", Tensor.ones(shape))) }
      #expect(message == "FILE: tensor \"unet.conv_in.alpha\" has shape \(shape), expected []")
    }
    let infinite = try error { $0.append(("unet.conv_in.alpha", Tensor(Double.infinity))) }
    #expect(infinite == "FILE: unet.conv_in.alpha is inf, expected a number")
    let flag = try error { $0.append(("unet.conv_in.alpha", Tensor(1).to(.bool))) }
    #expect(flag == "FILE: tensor \"unet.conv_in.alpha\" has type bool, expected a number's")
  }

  @Test(arguments: ["unet.lora_alpha", "lora_alpha"])
  func theCommonAlphaIsReadWithAndWithoutTheNetworksName(_ key: String) throws {
    #expect(abs(try scale(metadata: ["lora_adapter_metadata": "{\"\(key)\": 8}"]) - 2) < 1e-5)
    let message = try error(metadata: ["lora_adapter_metadata": "{\"\(key)\": \"8\"}"]) { _ in }
    #expect(message == "FILE: lora_alpha of its lora_adapter_metadata is not a number")
  }

  @Test func aPartOfTheWrongShapeIsNamed() throws {
    let message = try error { tensors in
      let index = tensors.firstIndex { $0.key == "unet.conv_in.lora_B.weight" }!
      tensors[index].tensor = Tensor.zeros([16, 5, 1, 1])
    }
    #expect(
      message == "FILE: tensor \"unet.conv_in.lora_B.weight\" has shape [16, 5, 1, 1], expected [16, 4, 1, 1]")
  }

  @Test(arguments: [Double.nan, .infinity]) func aPartThatIsNotFiniteIsNamed(_ value: Double) throws {
    let message = try error { tensors in
      let index = tensors.firstIndex { $0.key == "unet.conv_in.lora_B.weight" }!
      tensors[index].tensor.fill_(value)
    }
    #expect(message == "FILE: tensor \"unet.conv_in.lora_B.weight\" holds numbers that are not finite")
  }

  @Test func aLayerThatTheUNetLacksIsNamed() throws {
    let message = try error { $0.append(("unet.mid_block.conv9.lora_A.weight", Tensor.zeros([4, 16]))) }
    #expect(message?.contains("does not know, among them \"unet.mid_block.conv9.lora_A.weight\"") == true)
  }

  @Test func halfAPairIsNamed() throws {
    let message = try error { $0.removeAll { $0.key == "unet.conv_out.lora_A.weight" } }
    #expect(message == "FILE has no tensor \"unet.conv_out.lora_A.weight\"")
  }

  @Test func optionsThatChangeTheMeaningAreRefused() throws {
    let message = try error(metadata: ["lora_adapter_metadata": "{\"unet.use_dora\": true}"]) { _ in }
    #expect(message == "FILE: its lora_adapter_metadata sets use_dora, which Flux does not implement")
    let plain = try error(metadata: ["lora_adapter_metadata": "{\"use_rslora\": true}"]) { _ in }
    #expect(plain == "FILE: its lora_adapter_metadata sets use_rslora, which Flux does not implement")
  }

  /// ΔW[o, i, y, x] = Σᵣ B[o, r] · A[r, i, y, x].
  @Test func theChangeOfAKernelIsTheSumOverTheRank() {
    let down = Tensor.randn([2, 3, 3, 3], generator: Generator(seed: 1))
    let up = Tensor.randn([4, 2, 1, 1], generator: Generator(seed: 2))
    let change = LoRA.Pair(layer: "x", down: down, up: up).change
    let (A, B) = (down.doubles(), up.doubles())
    var expected: [Double] = []
    for output in 0..<4 {
      for place in 0..<27 { expected.append(B[output * 2] * A[place] + B[output * 2 + 1] * A[27 + place]) }
    }
    expectClose(change, Tensor(expected, shape: [4, 3, 3, 3]).to(.float32), atol: 1e-5)
  }

  @Test func theChangeOfAMatrixIsTheProduct() {
    let down = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    let up = Tensor([1, 0, 0, 10] as [Float], shape: [2, 2])
    #expect(LoRA.Pair(layer: "x", down: down, up: up).change.floats() == [1, 2, 3, 40, 50, 60])
  }

  @Test func factorsHaveTheShapesOfTheirLayer() {
    let matrix = LoRA.Pair.shapes(of: [12, 6], rank: 4)
    #expect(matrix.down == [4, 6] && matrix.up == [12, 4])
    let kernel = LoRA.Pair.shapes(of: [12, 6, 3, 3], rank: 4)
    #expect(kernel.down == [4, 6, 3, 3] && kernel.up == [12, 4, 1, 1])
  }

  @Test func newFactorsStartLikeALayerAndAtZero() {
    let unet = UNet(SmallNetworks.unet, .random(Generator(seed: 1)))
    let lora = LoRA(for: unet, rank: 3, Generator(seed: 2))
    #expect(lora.pairs.count == unet.parameters.filter { $0.tensor.rank >= 2 }.count)
    for pair in lora.pairs {
      let bound = 1 / Double(pair.down.shape.dropFirst().reduce(1, *)).squareRoot()
      let largest = pair.down.abs().max().item()
      #expect(largest <= bound + 1e-7 && largest > 0.5 * bound, "\(pair.layer)")
      #expect(pair.up.abs().max().item() == 0 && pair.down.shape[0] == 3 && pair.up.shape[1] == 3)
    }
  }

  @Test func mergingWithTheOppositeScaleUndoesIt() {
    let unet = UNet(SmallNetworks.unet, .random(Generator(seed: 1)))
    let before = unet.parameters.map { $0.tensor.clone() }
    let lora = random(unet)
    lora.merge(into: unet)
    lora.merge(into: unet, scale: -1)
    for (now, before) in zip(unet.parameters, before) { expectClose(now.tensor, before, atol: 1e-6, now.key) }
  }

  @Test func alphaOverRankScalesTheChange() throws {
    // A rank of 4: an alpha of 4 is no change, of 1 a quarter.
    #expect(abs(try scale(alpha: Tensor(4)) - 1) < 1e-6)
    #expect(abs(try scale(alpha: Tensor(1)) - 0.25) < 1e-6)
    #expect(abs(try scale(alpha: Tensor(-2)) + 0.5) < 1e-6)
    #expect(abs(try scale() - 1) < 1e-6)
    // A layer's own alpha comes before the common one.
    #expect(abs(try scale(alpha: Tensor(1), metadata: ["lora_adapter_metadata": "{\"lora_alpha\": 8}"]) - 0.25) < 1e-6)
  }

  @Test func aFileOfNothingIsRefused() throws {
    #expect(try error { $0 = [] } == "FILE: it holds no LoRA of a U-Net")
    let other = try error { $0 = [("vae.x.lora_A.weight", Tensor.ones([4, 4]))] }
    #expect(other?.contains("vae.x.lora_A.weight") == true, "\(other ?? "")")
  }

  @Test func theFileIsInSixteenBitsUnlessOtherwiseAsked() throws {
    try Project.inTemporaryFolder { folder in
      let unet = UNet(SmallNetworks.unet, .random(Generator(seed: 1)))
      let file = folder.appendingPathComponent(LoRA.fileName)
      try random(unet).save(to: file, metadata: ["steps": "4"])
      let saved = try SafetensorsFile(file)
      #expect(saved.keys.allSatisfy { saved.info($0)?.dtype == .bfloat16 && $0.hasPrefix("unet.") })
      #expect(saved.metadata == ["format": "pt", "steps": "4"])
      let read = try LoRA.load(file, for: unet)
      #expect(read.pairs.allSatisfy { $0.down.dtype == .float32 && $0.up.dtype == .float32 })
    }
  }
}
