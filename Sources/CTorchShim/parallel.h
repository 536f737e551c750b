// Loops on libtorch's threads.
//
// `at::parallel_for` is a template: where its caller is compiled without OpenMP, it runs on one thread and says nothing. Clang
// has OpenMP only with a runtime of its own, which would be a second pool of threads. These loops call the runtime that libtorch
// brings.
#pragma once
#include <cstdint>

/// Calls `body(context, from, to)` for parts of `begin..<end`, one for each thread.
void runOnThreads(int64_t begin, int64_t end, int64_t grain, void (*body)(void *, int64_t, int64_t), void *context);

/// Calls `body(from, to)` for parts of `begin..<end`, one for each thread, of at least `grain` elements but the last.
///
/// A loop within a loop runs on the thread that calls it. An exception of a part is thrown here.
template <class F> void parallelFor(int64_t begin, int64_t end, int64_t grain, const F &body) {
  runOnThreads(
      begin, end, grain, [](void *context, int64_t from, int64_t to) { (*static_cast<const F *>(context))(from, to); },
      const_cast<F *>(&body));
}
