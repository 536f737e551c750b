#include "CStart.h"

// Networks ask for hundreds of blocks of some megabytes a step. glibc takes each from the system and gives it back, so that
// every page is zeroed and faults again. Blocks that are kept cost no memory beyond the peak of what is in use.
#ifdef __linux__

#include <malloc.h>
#include <string.h>

enum { megabyte = 1 << 20 };

// Whether someone sets the allocator, with a reason.
static int is_set(char **environment) {
  static const char *const names[] = {"GLIBC_TUNABLES=", "MALLOC_MMAP_", "MALLOC_TRIM_THRESHOLD_=", "MALLOC_TOP_PAD_="};
  for (char **variable = environment; *variable != NULL; ++variable)
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
      if (strncmp(*variable, names[i], strlen(names[i])) == 0) return 1;
  return 0;
}

// Before the libraries' initializers, which take memory already.
static void keep_freed_blocks(int count, char **arguments, char **environment) {
  (void)count, (void)arguments;
  if (is_set(environment)) return;
  mallopt(M_MMAP_THRESHOLD, 32 * megabyte);  // the most that glibc allows
  mallopt(M_TRIM_THRESHOLD, 1024 * megabyte);
  mallopt(M_TOP_PAD, 16 * megabyte);
}

__attribute__((section(".preinit_array"), used)) static void (*const before_initializers)(int, char **, char **) =
    keep_freed_blocks;

#endif
