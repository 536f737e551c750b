// Conversions between C handles and C++ values: view (T, I), wrap (make), catch (run). The only try/catch in the
// project.
#pragma once
#include "CTorch.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/Generator.h>
#include <c10/util/Exception.h>

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

void ct_fail(CTErrorKind kind, const char *message) noexcept;

inline at::Tensor &T(CTTensor *x) { return *reinterpret_cast<at::Tensor *>(x); }
inline CTTensor *wrap(at::Tensor x) { return reinterpret_cast<CTTensor *>(new at::Tensor(std::move(x))); }
inline std::optional<at::Tensor> O(CTTensor *x) { return x ? std::optional<at::Tensor>(T(x)) : std::nullopt; }
inline at::IntArrayRef I(const int64_t *values, size_t count) { return {values, count}; }
inline at::Generator &G(CTGenerator *g) { return *reinterpret_cast<at::Generator *>(g); }

inline std::vector<at::Tensor> L(CTTensor *const *xs, size_t count) {
  std::vector<at::Tensor> list;
  list.reserve(count);
  for (size_t i = 0; i < count; i++) list.push_back(T(xs[i]));
  return list;
}

/// Whether a message reports that memory ran out: the CPU allocator throws the same type as for other errors.
inline bool isAboutMemory(const char *message) {
  return std::strstr(message, "can't allocate memory") || std::strstr(message, "not enough memory") ||
         std::strstr(message, "out of memory") || std::strstr(message, "could not create a memory object");
}
inline CTErrorKind kindOf(const char *message, CTErrorKind other) {
  return isAboutMemory(message) ? CT_ERROR_MEMORY : other;
}

template <class F> bool guarded(F f) noexcept {
  try {
    f();
    return true;
  } catch (const c10::OutOfMemoryError &e) {
    ct_fail(CT_ERROR_MEMORY, e.what_without_backtrace());
  } catch (const c10::Error &e) {
    ct_fail(kindOf(e.what_without_backtrace(), CT_ERROR_ARGUMENT), e.what_without_backtrace());
  } catch (const std::bad_alloc &) {
    ct_fail(CT_ERROR_MEMORY, "out of memory");
  } catch (const std::exception &e) {
    ct_fail(kindOf(e.what(), CT_ERROR_OTHER), e.what());
  } catch (...) {
    ct_fail(CT_ERROR_OTHER, "unknown C++ exception");
  }
  return false;
}

/// Runs `f`, which returns a tensor, and returns a new handle to it; NULL if it threw.
template <class F> CTTensor *make(F f) noexcept {
  CTTensor *result = nullptr;
  guarded([&] { result = wrap(f()); });
  return result;
}

/// Runs `f` for its effect; returns 0 on success.
template <class F> int run(F f) noexcept { return guarded(f) ? 0 : 1; }

at::ScalarType scalarType(CTType type);
c10::Device deviceOf(CTDeviceType type, int index);
CTDeviceType deviceTypeOf(c10::Device device, int *index);
