import Foundation
import Torch

/// Compute precision of the networks.
public enum Precision: String, Codable, Sendable, CaseIterable {
  /// 4 bytes per weight.
  case float32
  /// 2 bytes per weight and feature, with sums in float32; faster on processors and GPUs that compute in it.
  case bfloat16

  /// The type of weights and features.
  var dtype: DType { self == .float32 ? .float32 : .bfloat16 }

  /// Whether the CPU computes in bfloat16, by AVX-512 BF16 or AMX; others convert to float32 and back, which is slower.
  public static let cpuComputesInBFloat16: Bool = {
    let facts = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let flags = facts.split(separator: "\n").first { $0.hasPrefix("flags") }?.split(separator: " ") ?? []
    return flags.contains("avx512_bf16") || flags.contains("amx_bf16")
  }()
}
