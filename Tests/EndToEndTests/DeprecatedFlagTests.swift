import Testing

@testable import FluxCommand

@Suite struct DeprecatedFlagTests {
  private func replaced(_ arguments: [String]) -> (arguments: [String], notices: Int) {
    var notices = 0
    let result = DeprecatedFlags.replaced(in: arguments) { _ in notices += 1 }
    return (result, notices)
  }

  @Test func oldNamesAreReplacedWithANoticeForEach() {
    let (flags, notices) = replaced(["train", "--distance", "l1", "--averages=0.1", "--crop", "centre", "-o", "run"])
    #expect(flags == ["train", "--loss", "l1", "--ema=0.1", "--crop", "center", "-o", "run"] && notices == 3)
    #expect(replaced(["distil", "--own-paths=1"]).arguments == ["distill", "--on-policy-share=1"])
    #expect(replaced(["help", "distil"]).arguments == ["help", "distill"])
  }

  @Test func whatIsNoOldNameStaysAsItIs() {
    for arguments in [["generate", "--distance", "l1"], ["train", "--", "--anew"], ["train", "--loss", "l1"], []] {
      let (same, notices) = replaced(arguments)
      #expect(same == arguments && notices == 0)
    }
  }

  /// A table that names a flag which does not exist would turn a good call into an error.
  @Test func newNamesExist() throws {
    let calls = [
      ["train", "-o", "r", "--distance", "l1", "--last-distance", "l2", "--averages", "0.1", "--gradient-limit", "1"],
      [
        "train", "-o", "r", "--second-beta", "0.9", "--diffusion-rate", "1", "--autoencoder-rate", "1", "--muon-rate",
        "0",
      ],
      ["train", "-o", "r", "--even-times", "0", "--from", "m", "--anew", "--captions-full", "1", "--need", "f"],
      ["distil", "-o", "r", "--rate", "1", "--own-paths", "0"],
      ["evaluate", "--write-need", "f", "--captions-full", "1", "--need", "f"],
      ["data", "scenes", "-o", "s", "--captions-full", "1", "--need", "f"],
    ]
    for call in calls { _ = try FluxCommand.parseAsRoot(replaced(call).arguments) }
  }
}
