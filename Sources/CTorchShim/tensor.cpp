// Lifetime, properties and bytes of tensors; errors, threads, devices.
#include "bridge.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/GradMode.h>
#include <torch/version.h>

#include <cstring>
#include <string>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {
thread_local std::string lastMessage;
thread_local CTErrorKind lastKind = CT_ERROR_NONE;
}  // namespace

void ct_fail(CTErrorKind kind, const char *message) noexcept {
  lastKind = kind;
  try {
    lastMessage = message;
  } catch (...) {
    lastMessage.clear();
  }
}

at::ScalarType scalarType(CTType type) {
  switch (type) {
    case CT_F32: return at::kFloat;
    case CT_F64: return at::kDouble;
    case CT_F16: return at::kHalf;
    case CT_BF16: return at::kBFloat16;
    case CT_I64: return at::kLong;
    case CT_I32: return at::kInt;
    case CT_I16: return at::kShort;
    case CT_I8: return at::kChar;
    case CT_U8: return at::kByte;
    case CT_BOOL: return at::kBool;
  }
  TORCH_CHECK(false, "unknown element type ", static_cast<int>(type));
}

c10::Device deviceOf(CTDeviceType type, int index) {
  switch (type) {
    case CT_CPU: return c10::Device(c10::kCPU);
    case CT_CUDA: return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
    case CT_MPS: return c10::Device(c10::kMPS);
  }
  TORCH_CHECK(false, "unknown device ", static_cast<int>(type));
}

CTDeviceType deviceTypeOf(c10::Device device, int *index) {
  *index = device.has_index() ? device.index() : 0;
  return device.is_cuda() ? CT_CUDA : device.is_mps() ? CT_MPS : CT_CPU;
}

static at::TensorOptions options(CTType type, CTDeviceType device, int index) {
  return at::TensorOptions().dtype(scalarType(type)).device(deviceOf(device, index));
}

extern "C" {

const char *ct_error_message(void) { return lastMessage.c_str(); }
CTErrorKind ct_error_kind(void) { return lastKind; }
const char *ct_version(void) { return TORCH_VERSION; }
void ct_return_free_memory(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}
void ct_set_threads(int count) { at::set_num_threads(count); }
int ct_threads(void) { return at::get_num_threads(); }
int ct_cuda_count(void) {
  int count = 0;
  guarded([&] { count = at::hasCUDA() ? static_cast<int>(at::detail::getCUDAHooks().deviceCount()) : 0; });
  return count;
}
int64_t ct_cuda_peak_bytes(int device) {
  int64_t bytes = 0;
  guarded([&] {
    const auto stats = c10::getDeviceAllocator(c10::kCUDA)->getDeviceStats(static_cast<c10::DeviceIndex>(device));
    bytes = stats.reserved_bytes[0].peak;  // [0] sums over small and large blocks
  });
  return bytes;
}
void ct_set_cudnn_benchmark(bool on) { at::globalContext().setBenchmarkCuDNN(on); }
int ct_cuda_synchronize(int device) {
  return run([&] { at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(device)); });
}

void ct_free(CTTensor *x) { delete &T(x); }
size_t ct_rank(CTTensor *x) { return static_cast<size_t>(T(x).dim()); }
void ct_shape(CTTensor *x, int64_t *shape) {
  const auto sizes = T(x).sizes();
  std::copy(sizes.begin(), sizes.end(), shape);
}
int64_t ct_count(CTTensor *x) { return T(x).numel(); }

CTType ct_type(CTTensor *x) {
  switch (T(x).scalar_type()) {
    case at::kFloat: return CT_F32;
    case at::kDouble: return CT_F64;
    case at::kHalf: return CT_F16;
    case at::kBFloat16: return CT_BF16;
    case at::kLong: return CT_I64;
    case at::kInt: return CT_I32;
    case at::kShort: return CT_I16;
    case at::kChar: return CT_I8;
    case at::kByte: return CT_U8;
    default: return CT_BOOL;
  }
}

CTDeviceType ct_device(CTTensor *x, int *index) {
  return deviceTypeOf(T(x).device(), index);
}

bool ct_is_channels_last(CTTensor *x) {
  return T(x).dim() == 4 && T(x).is_contiguous(at::MemoryFormat::ChannelsLast) && !T(x).is_contiguous();
}

int ct_read(CTTensor *x, void *bytes, size_t byteCount) {
  return run([&] {
    const at::Tensor source = T(x).detach().to(at::kCPU).contiguous();
    TORCH_CHECK(source.nbytes() == byteCount, "read ", byteCount, " bytes of a tensor that has ", source.nbytes());
    if (byteCount) std::memcpy(bytes, source.const_data_ptr(), byteCount);
  });
}

int ct_write(CTTensor *x, const void *bytes, size_t byteCount) {
  return run([&] {
    at::Tensor &target = T(x);
    TORCH_CHECK(target.nbytes() == byteCount, "write ", byteCount, " bytes to a tensor that has ", target.nbytes());
    const c10::NoGradGuard guard;
    target.copy_(at::from_blob(const_cast<void *>(bytes), target.sizes(), at::TensorOptions().dtype(target.scalar_type())));
  });
}

void *ct_data(CTTensor *x) {
  void *data = nullptr;
  guarded([&] {
    TORCH_CHECK(T(x).is_cpu() && T(x).is_contiguous(), "the elements of a tensor that is not contiguous on the CPU");
    data = T(x).mutable_data_ptr();
  });
  return data;
}

int ct_item(CTTensor *x, double *value) {
  return run([&] { *value = T(x).item().toDouble(); });
}

CTTensor *ct_from_bytes(const void *bytes, CT_INTS(shape), CTType type) {
  return make([&] {
    const auto kind = at::TensorOptions().dtype(scalarType(type));
    at::Tensor x = at::empty(I(shape, shapeCount), kind);
    if (x.nbytes()) std::memcpy(x.mutable_data_ptr(), bytes, x.nbytes());
    return x;
  });
}
CTTensor *ct_from_memory(const void *bytes, CT_INTS(shape), CTType type, void *context, void (*release)(void *)) {
  return make([&] {
    return at::from_blob(const_cast<void *>(bytes), I(shape, shapeCount), [context, release](void *) { release(context); },
                         at::TensorOptions().dtype(scalarType(type)));
  });
}
CTTensor *ct_empty(CT_INTS(shape), CTType type, CTDeviceType device, int index) {
  return make([&] { return at::empty(I(shape, shapeCount), options(type, device, index)); });
}
CTTensor *ct_full(CT_INTS(shape), double value, CTType type, CTDeviceType device, int index) {
  return make([&] { return at::full(I(shape, shapeCount), value, options(type, device, index)); });
}
CTTensor *ct_arange(double start, double end, double step, CTType type, CTDeviceType device, int index) {
  return make([&] { return at::arange(start, end, step, options(type, device, index)); });
}
CTTensor *ct_to(CTTensor *x, CTType type, CTDeviceType device, int index) {
  return make([&] {
    const c10::Device target = deviceOf(device, index);
    // A copy from pageable memory would wait for all work that is queued before it.
    if (target.is_cuda() && T(x).is_cpu()) return T(x).pin_memory().to(target, scalarType(type), /*non_blocking=*/true);
    return T(x).to(target, scalarType(type));
  });
}
CTTensor *ct_contiguous(CTTensor *x, CTLayout layout) {
  return make([&] {
    return T(x).contiguous(layout == CT_CHANNELS_LAST ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
  });
}
CTTensor *ct_clone(CTTensor *x) { return make([&] { return T(x).clone(); }); }
CTTensor *ct_detach(CTTensor *x) { return make([&] { return T(x).detach(); }); }

}  // extern "C"
