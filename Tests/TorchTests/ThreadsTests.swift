import Testing
import Torch

@Suite struct ThreadsTests {
  @Test func loopsOfTheShimRunOnAsManyThreadsAsOperationsOfLibtorch() async {
    await #expect(processExitsWith: .success) {
      for threads in [1, 2, 3] {
        Libtorch.threads = threads
        precondition(Libtorch.threads == threads)
        precondition(Libtorch.loopThreads == threads, "\(Libtorch.loopThreads) threads of \(threads)")
      }
    }
  }
}
