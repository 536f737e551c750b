// Loads the shim, and libtorch with it, at the first call of one of its functions (trampolines.S).
#if defined(__linux__) && defined(__x86_64__)
#define _GNU_SOURCE  // RTLD_DEEPBIND

#include "CInference.h"
#include "CTorch.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libFluxTorch.so"

extern _Atomic(void *) ct_slots[] __attribute__((visibility("hidden")));
void ct_load(void) __attribute__((visibility("hidden")));

#define CALL(name) _Static_assert(sizeof(&name) > 0, "a header declares it");
#include "calls.inc"
#undef CALL

#define CALL(name) #name,
static const char *const names[] = {  // in the order of the slots
#include "calls.inc"
};
#undef CALL

static void fail(const char *reason) {
  fprintf(stderr, "flux: " LIBRARY " cannot be loaded (%s): install Flux again, or build it with make build\n", reason);
  fflush(NULL);
  _exit(1);
}

// As libraries that a program is linked with: bound lazily, and global, since plugins of libtorch look for its symbols. Its
// own come before those of the program's other libraries, which saves 20 ms; but not where somebody puts an allocator or
// threads of their own in the place of others.
static int mode(void) {
  void *system = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  int is_own = system != NULL && dlsym(system, "malloc") == dlsym(RTLD_DEFAULT, "malloc");
  return RTLD_LAZY | RTLD_GLOBAL | (is_own && getenv("LD_PRELOAD") == NULL ? RTLD_DEEPBIND : 0);
}

// Beside the program, as after a build, or in ../lib, as in an installation; elsewhere where the system looks.
static void *open_library(void) {
  static const char *const places[] = {LIBRARY, "../lib/" LIBRARY};
  char path[PATH_MAX + sizeof "../lib/" LIBRARY];
  ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
  while (length > 0 && path[length - 1] != '/') --length;
  for (size_t i = 0; length > 0 && i < sizeof places / sizeof *places; ++i) {
    strcpy(path + length, places[i]);
    if (access(path, F_OK) == 0) return dlopen(path, mode());
  }
  return dlopen(LIBRARY, mode());
}

static void fill_slots(void) {
  void *library = open_library();
  if (library == NULL) fail(dlerror());
  void *functions[sizeof names / sizeof *names];
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
    if ((functions[i] = dlsym(library, names[i])) == NULL) fail(dlerror());
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) ct_slots[i] = functions[i];
}

void ct_load(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, fill_slots);
}

#endif
