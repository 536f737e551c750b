import Foundation
import Support
import TestSupport
import Testing

@testable import Runs

@Suite struct EventFileTests {
  /// The check value of CRC-32C: RFC 3720, appendix B.4, and the usual "123456789".
  @Test func theChecksumIsCastagnolis() {
    #expect(CRC32C.value(Array("123456789".utf8)) == 0xe306_9283)
    #expect(CRC32C.value([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
  }

  /// Records lie one after the other, each with its length and two checksums that fit.
  @Test func everyRecordIsWhole() throws {
    try Project.inTemporaryFolder { folder in
      let events = try EventFile(folder: folder, step: 3)
      try events.add(["loss": 0.5, "names": 2], step: 4)
      try events.add("samples", png: [1, 2, 3], width: 8, height: 4, step: 4)
      let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder.path).first)
      #expect(name.hasPrefix("events.out.tfevents."))
      let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
      var (place, records): (Int, [[UInt8]]) = (0, [])
      func number(_ count: Int) -> UInt64 {
        defer { place += count }
        return bytes[place..<place + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
      }
      while place < bytes.count {
        let header = Array(bytes[place..<place + 8])
        let length = Int(number(8))
        #expect(UInt32(number(4)) == CRC32C.masked(header))
        let record = Array(bytes[place..<place + length])
        place += length
        #expect(UInt32(number(4)) == CRC32C.masked(record))
        records.append(record)
      }
      #expect(records.count == 4)
      #expect(String(decoding: records[0], as: UTF8.self).contains("brain.Event:2"))
      // tag "loss" (field 1), simple_value 0.5 (field 2, float)
      #expect(records[2].contains(sequence: [0x0a, 4] + Array("loss".utf8) + [0x15, 0, 0, 0, 0x3f]))
      #expect(records[3].contains(sequence: [0x08, 4, 0x10, 8, 0x18, 3, 0x22, 3, 1, 2, 3]))
    }
  }
}

extension [UInt8] {
  fileprivate func contains(sequence: [UInt8]) -> Bool {
    indices.contains { $0 + sequence.count <= count && Array(self[$0..<$0 + sequence.count]) == sequence }
  }
}
