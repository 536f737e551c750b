import Foundation
import Images
import Testing

@Suite struct ColorTests {
  private let first = Color(10, 200, 0)
  private let second = Color(20, 100, 255)

  @Test func mixingGoesFromOneColorToTheOther() {
    #expect(first.mixed(with: second, 0) == first)
    #expect(first.mixed(with: second, 1) == second)
    #expect(first.mixed(with: second, 0.5) == Color(15, 150, 128))  // 127.5 is rounded up
    #expect(first.mixed(with: second, 0.25) == Color(13, 175, 64))  // 12.5 and 63.75
  }

  @Test func aMixtureSeenFromTheOtherEndIsTheSame() {
    for step in 0...100 where step % 2 == 1 {  // no value lies halfway between two bytes
      let weight = Double(step) / 100.3
      #expect(first.mixed(with: second, weight) == second.mixed(with: first, 1 - weight), "\(weight)")
    }
  }

  @Test func aColorMixedWithItselfStaysItself() {
    for value in [0, 1, 127, 254, 255] as [UInt8] {
      let color = Color(value, 255 - value, value)
      for weight in [0, 0.3, 0.5, 0.999, 1] { #expect(color.mixed(with: color, weight) == color) }
    }
  }

  @Test func aPixelIsOpaqueAndHasTheSameValues() {
    #expect(Color(1, 2, 255).pixel == SIMD4(1, 2, 255, 255))
  }

  @Test func colorsAreReadBackFromJSON() throws {
    let data = try JSONEncoder().encode([first, second])
    #expect(try JSONDecoder().decode([Color].self, from: data) == [first, second])
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Color.self, from: Data(#"{"red": 256, "green": 0, "blue": 0}"#.utf8))
    }
  }
}
