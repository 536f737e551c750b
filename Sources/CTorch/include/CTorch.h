// CTorch: everything that Swift may call in libtorch, in C.
//
// Policy. A tensor is an opaque handle that the caller owns and releases with ct_free. Every function that creates a
// tensor returns a new handle, or NULL if libtorch threw; functions that return nothing else return 0 for success.
// After a failure ct_error_message and ct_error_kind describe it (kept per thread). Nothing throws across this line.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct CTTensor CTTensor;
typedef struct CTGenerator CTGenerator;
typedef struct CTInference CTInference;

typedef enum { CT_F32, CT_F64, CT_F16, CT_BF16, CT_I64, CT_I32, CT_I16, CT_I8, CT_U8, CT_BOOL } CTType;
typedef enum { CT_CPU, CT_CUDA, CT_MPS } CTDeviceType;
typedef enum { CT_CONTIGUOUS, CT_CHANNELS_LAST } CTLayout;
typedef enum { CT_ERROR_NONE, CT_ERROR_MEMORY, CT_ERROR_ARGUMENT, CT_ERROR_OTHER } CTErrorKind;
typedef enum { CT_PAD_ZEROS, CT_PAD_REFLECT, CT_PAD_REPLICATE } CTPadding;

// A list of sizes or dimensions: pointer and count.
#define CT_INTS(name) const int64_t *name, size_t name##Count
#define CT_TENSORS(name) CTTensor *const *name, size_t name##Count

// --- error, threads, devices
const char *ct_error_message(void);
CTErrorKind ct_error_kind(void);
const char *ct_version(void);
void ct_set_threads(int count);
int ct_threads(void);
int ct_loop_threads(void);              // threads that loops of the shim itself run on
int ct_cuda_count(void);
int ct_cuda_synchronize(int device);
int64_t ct_cuda_peak_bytes(int device); // peak of the allocator
void ct_set_cudnn_benchmark(bool on);   // benchmark the algorithms of every new convolution size
bool ct_set_uses_winograd(bool on);     // ct_conv2d on this thread, where it is faster; returns the setting before
bool ct_uses_winograd(void);
bool ct_winograd_pays(void);            // whether it is faster with this build and processor

void ct_return_free_memory(void);       // what malloc keeps of freed blocks goes back to the system

// --- tensor: lifetime, properties, bytes
void ct_free(CTTensor *x);
size_t ct_rank(CTTensor *x);
void ct_shape(CTTensor *x, int64_t *shape);
int64_t ct_count(CTTensor *x);
CTType ct_type(CTTensor *x);
CTDeviceType ct_device(CTTensor *x, int *index);
bool ct_is_channels_last(CTTensor *x);
int ct_read(CTTensor *x, void *bytes, size_t byteCount);   // copies the elements out in row-major order
int ct_write(CTTensor *x, const void *bytes, size_t byteCount);
void *ct_data(CTTensor *x);  // the elements in place, of a contiguous CPU tensor; NULL if it is another
int ct_item(CTTensor *x, double *value);

// --- tensor: creation
// `bytes` must stay as they are until `release` frees the context.
CTTensor *ct_from_memory(const void *bytes, CT_INTS(shape), CTType type, void *context, void (*release)(void *));
CTTensor *ct_from_bytes(const void *bytes, CT_INTS(shape), CTType type);
CTTensor *ct_empty(CT_INTS(shape), CTType type, CTDeviceType device, int index);
CTTensor *ct_full(CT_INTS(shape), double value, CTType type, CTDeviceType device, int index);
CTTensor *ct_arange(double start, double end, double step, CTType type, CTDeviceType device, int index);
CTTensor *ct_randn(CT_INTS(shape), CTGenerator *generator);   // all on the generator's device
CTTensor *ct_rand(CT_INTS(shape), CTGenerator *generator);
CTTensor *ct_randint(int64_t low, int64_t high, CT_INTS(shape), CTGenerator *generator);
CTTensor *ct_randperm(int64_t count, CTGenerator *generator);
CTTensor *ct_to(CTTensor *x, CTType type, CTDeviceType device, int index);   // CPU to CUDA is asynchronous
CTTensor *ct_contiguous(CTTensor *x, CTLayout layout);
CTTensor *ct_clone(CTTensor *x);
CTTensor *ct_detach(CTTensor *x);
CTTensor *ct_share(CTTensor *x);                           // another handle to the same tensor

// --- random
CTGenerator *ct_generator_new(uint64_t seed, CTDeviceType device, int index);
CTDeviceType ct_generator_device(CTGenerator *g, int *index);
void ct_generator_free(CTGenerator *g);
void ct_generator_seed(CTGenerator *g, uint64_t seed);
CTTensor *ct_generator_state(CTGenerator *g);
int ct_generator_set_state(CTGenerator *g, CTTensor *state);

// --- element by element
#define CT_UNARY_OPS(X) X(neg) X(abs) X(exp) X(log) X(sqrt) X(rsqrt) X(sin) X(cos) X(tanh) X(sigmoid) X(silu) \
  X(relu) X(square) X(sign) X(erf) X(log1p) X(isfinite) X(floor) X(round) X(reciprocal) X(logical_not)
#define CT_DECLARE(op) CTTensor *ct_##op(CTTensor *x);
CT_UNARY_OPS(CT_DECLARE)
#undef CT_DECLARE
#define CT_BINARY_OPS(X) X(add) X(sub) X(mul) X(div) X(pow) X(maximum) X(minimum) X(lt) X(le) X(gt) X(ge) X(eq) X(ne)
#define CT_DECLARE(op) CTTensor *ct_##op(CTTensor *a, CTTensor *b); CTTensor *ct_##op##_scalar(CTTensor *a, double b);
CT_BINARY_OPS(CT_DECLARE)
#undef CT_DECLARE
CTTensor *ct_gelu(CTTensor *x, bool tanhApproximation);
CTTensor *ct_clamp(CTTensor *x, double low, double high);
CTTensor *ct_lerp(CTTensor *a, CTTensor *b, double weight);
CTTensor *ct_where(CTTensor *condition, CTTensor *a, CTTensor *b);
CTTensor *ct_masked_fill(CTTensor *x, CTTensor *mask, double value);

// --- linear algebra and layers
CTTensor *ct_matmul(CTTensor *a, CTTensor *b);
CTTensor *ct_linear(CTTensor *x, CTTensor *weight, CTTensor *bias /* may be NULL */);
CTTensor *ct_conv2d(CTTensor *x, CTTensor *weight, CTTensor *bias, int64_t stride, int64_t padding, int64_t groups);
CTTensor *ct_winograd_conv2d(CTTensor *x, CTTensor *weight, CTTensor *bias /* may be NULL */);   // 3×3, padding 1
CTTensor *ct_conv_transpose2d(CTTensor *x, CTTensor *weight, CTTensor *bias, int64_t stride, int64_t padding);
CTTensor *ct_embedding(CTTensor *weight, CTTensor *ids);
CTTensor *ct_group_norm(CTTensor *x, int64_t groups, CTTensor *weight, CTTensor *bias, double eps);
CTTensor *ct_layer_norm(CTTensor *x, CTTensor *weight, CTTensor *bias, double eps);
CTTensor *ct_softmax(CTTensor *x, int64_t dim);
CTTensor *ct_log_softmax(CTTensor *x, int64_t dim);
CTTensor *ct_attention(CTTensor *q, CTTensor *k, CTTensor *v, CTTensor *mask /* may be NULL */, double scale);
CTTensor *ct_resize_bilinear(CTTensor *x, int64_t height, int64_t width, bool antialias);
CTTensor *ct_resize_nearest(CTTensor *x, int64_t height, int64_t width);
CTTensor *ct_avg_pool2d(CTTensor *x, int64_t kernel, int64_t stride);
CTTensor *ct_max_pool2d(CTTensor *x, int64_t kernel, int64_t stride);
CTTensor *ct_pixel_shuffle(CTTensor *x, int64_t factor);
CTTensor *ct_pixel_unshuffle(CTTensor *x, int64_t factor);
// [B, 4K, H, W] of K logits and K colors to [B, 3, H, W]: the colors weighted by softmax(sharpness · logits).
CTTensor *ct_palette_mix(CTTensor *fields, int64_t colors, double sharpness);
CTTensor *ct_pad2d(CTTensor *x, int64_t left, int64_t right, int64_t top, int64_t bottom, CTPadding mode);

// --- shape
CTTensor *ct_reshape(CTTensor *x, CT_INTS(shape));
CTTensor *ct_expand(CTTensor *x, CT_INTS(shape));
CTTensor *ct_permute(CTTensor *x, CT_INTS(dims));
CTTensor *ct_transpose(CTTensor *x, int64_t a, int64_t b);
CTTensor *ct_unsqueeze(CTTensor *x, int64_t dim);
CTTensor *ct_squeeze(CTTensor *x, int64_t dim);
CTTensor *ct_flip(CTTensor *x, CT_INTS(dims));
CTTensor *ct_cat(CT_TENSORS(parts), int64_t dim);
CTTensor *ct_stack(CT_TENSORS(parts), int64_t dim);
CTTensor *ct_repeat_interleave(CTTensor *x, int64_t repeats, int64_t dim);

// --- index
CTTensor *ct_narrow(CTTensor *x, int64_t dim, int64_t start, int64_t length);
CTTensor *ct_slice(CTTensor *x, int64_t dim, int64_t start, int64_t end, int64_t step);
CTTensor *ct_select(CTTensor *x, int64_t dim, int64_t index);
CTTensor *ct_index_select(CTTensor *x, int64_t dim, CTTensor *index);
CTTensor *ct_gather(CTTensor *x, int64_t dim, CTTensor *index);

// --- reduce (no dimensions = all of them)
#define CT_REDUCE_OPS(X) X(sum) X(mean) X(amax) X(amin)
#define CT_DECLARE(op) CTTensor *ct_##op(CTTensor *x, CT_INTS(dims), bool keepDims);
CT_REDUCE_OPS(CT_DECLARE)
#undef CT_DECLARE
CTTensor *ct_var(CTTensor *x, CT_INTS(dims), bool unbiased, bool keepDims);
CTTensor *ct_argmax(CTTensor *x, int64_t dim);
CTTensor *ct_cumprod(CTTensor *x, int64_t dim);
CTTensor *ct_quantile(CTTensor *x, double q, int64_t dim, bool keepDims);
CTTensor *ct_eigvalsh(CTTensor *x);
CTTensor *ct_rfft2_power(CTTensor *x);   // |F|² of real [..., H, W]: [..., H, W / 2 + 1]; no complex tensor leaves the shim

// --- in place
int ct_copy_(CTTensor *x, CTTensor *source);
int ct_add_(CTTensor *x, CTTensor *other, double alpha);
int ct_mul_(CTTensor *x, double factor);
int ct_fill_(CTTensor *x, double value);
int ct_lerp_(CTTensor *x, CTTensor *other, double weight);
int ct_normal_(CTTensor *x, double mean, double deviation, CTGenerator *generator);
int ct_uniform_(CTTensor *x, double low, double high, CTGenerator *generator);

CTTensor *ct_widen_int8(CTTensor *values, CTTensor *scale, CTType type);   // int8 times a float32 for each row
CTTensor *ct_widen_int4(CTTensor *values, CTTensor *scale, CT_INTS(shape), CTType type);   // groups of 32 of a row
int ct_set_data_(CTTensor *x, CTTensor *data);   // replaces the storage; type and device may change

// --- autograd
int ct_set_requires_grad(CTTensor *x, bool on);
bool ct_requires_grad(CTTensor *x);
CTTensor *ct_grad(CTTensor *x);          // NULL without an error if there is none
void ct_clear_grad(CTTensor *x);
int ct_backward(CTTensor *x);
bool ct_set_grad_enabled(bool on);       // returns the previous setting
bool ct_grad_enabled(void);

// The result of `compute`, without storing intermediate results: the backward pass runs it again. `compute` owns the
// handles of its inputs and passes the ownership of its result to the caller. `release` frees the context, also after a
// failure.
typedef CTTensor *(*CTComputation)(void *context, CTTensor **inputs, size_t count);
CTTensor *ct_recomputed(CTComputation compute, void *context, void (*release)(void *), CT_TENSORS(inputs));

// Calls `callback` after each backward pass that accumulated a gradient into the leaf `x`, in place of an earlier callback;
// NULL removes it. `release` frees the context then.
int ct_on_gradient(CTTensor *x, void (*callback)(void *), void *context, void (*release)(void *));

CTInference *ct_inference_begin(void);
void ct_inference_end(CTInference *guard);
void ct_autocast_begin(CTDeviceType device, CTType type);
void ct_autocast_end(CTDeviceType device);
bool ct_set_autocast_enabled(CTDeviceType device, bool on);   // returns the previous setting

// --- where time goes: one row for each operation, or kernel of a device, with its calls and the nanoseconds of itself
typedef void (*CTProfileRow)(void *context, const char *name, CTDeviceType device, int64_t count, int64_t nanoseconds);
int ct_profile_begin(CTDeviceType device);
int ct_profile_end(CTProfileRow row, void *context);

// --- many tensors at once
int ct_fused_adamw_(CT_TENSORS(parameters), CT_TENSORS(gradients), CT_TENSORS(firstMoments),
                    CT_TENSORS(secondMoments), CT_TENSORS(steps), double learningRate, double beta1, double beta2,
                    double weightDecay, double eps, CTTensor *skip /* may be NULL; 1 skips the update */);
int ct_foreach_lerp_(CT_TENSORS(xs), CT_TENSORS(targets), double weight);
int ct_foreach_mul_(CT_TENSORS(xs), double factor);
int ct_foreach_mul_tensor_(CT_TENSORS(xs), CTTensor *factor);   // a scalar on the same device
int ct_foreach_add_(CT_TENSORS(xs), CT_TENSORS(terms));
int ct_foreach_add_tensor_(CT_TENSORS(xs), CTTensor *term);
CTTensor *ct_foreach_total_norm(CT_TENSORS(xs));

#ifdef __cplusplus
}
#endif
