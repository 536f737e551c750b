// Runs loops on the threads of the OpenMP runtime that libtorch uses, so that there is one pool.
#include "parallel.h"
#include "CTorch.h"

#include <ATen/Parallel.h>
#include <c10/util/ParallelGuard.h>

#include <algorithm>
#include <atomic>
#include <dlfcn.h>
#include <exception>

namespace {

/// Entry points of the runtime: those of GCC's libgomp, which LLVM's has, too. It is a dependency of libtorch.
struct OpenMP {
  /// Calls a function on every thread of a team; its size is the default for 0, as ATen has it.
  void (*parallel)(void (*function)(void *), void *data, unsigned count, unsigned flags);
  int (*count)();
  int (*index)();

  template <class F> static F find(const char *name) { return reinterpret_cast<F>(dlsym(RTLD_DEFAULT, name)); }

  /// Nil if libtorch uses another kind of threads; loops then run on one.
  static const OpenMP *inUse() {
    static const OpenMP runtime = {find<decltype(parallel)>("GOMP_parallel"), find<decltype(count)>("omp_get_num_threads"),
                                   find<decltype(index)>("omp_get_thread_num")};
    return runtime.parallel && runtime.count && runtime.index ? &runtime : nullptr;
  }
};

/// A loop whose parts the threads of a team take by their number.
struct Loop {
  const OpenMP &runtime;
  int64_t begin, end, grain;
  void (*body)(void *, int64_t, int64_t);
  void *context;
  std::atomic_flag failed = ATOMIC_FLAG_INIT;
  std::exception_ptr failure = nullptr;

  void run() {
    const int64_t parts = std::min<int64_t>(runtime.count(), (end - begin + grain - 1) / grain);
    const int64_t size = (end - begin + parts - 1) / parts, first = begin + runtime.index() * size;
    if (first >= end) return;
    const c10::ParallelGuard within(true);
    try {
      body(context, first, std::min(first + size, end));
    } catch (...) {
      if (!failed.test_and_set()) failure = std::current_exception();
    }
  }
};

}  // namespace

void runOnThreads(int64_t begin, int64_t end, int64_t grain, void (*body)(void *, int64_t, int64_t), void *context) {
  if (begin >= end) return;
  grain = std::max<int64_t>(grain, 1);
  const OpenMP *const runtime = OpenMP::inUse();
  if (!runtime || end - begin <= grain || at::in_parallel_region() || at::get_num_threads() == 1) {
    const c10::ParallelGuard within(true);
    return body(context, begin, end);
  }
  Loop loop{*runtime, begin, end, grain, body, context};
  runtime->parallel([](void *data) { static_cast<Loop *>(data)->run(); }, &loop, 0, 0);
  if (loop.failure) std::rethrow_exception(loop.failure);
}

extern "C" int ct_loop_threads(void) {
  std::atomic<int> threads = 0;
  parallelFor(0, 1 << 10, 1, [&](int64_t, int64_t) { threads++; });
  return threads;
}
