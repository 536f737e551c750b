#include "CStart.h"

// The math library of libtorch ends a program whose working folder was deleted, with a message about a library that
// cannot be loaded, in an initializer and so before `main`. Functions in .preinit_array run before all initializers.
#ifdef __linux__

#include <errno.h>
#include <limits.h>
#include <unistd.h>

static void check_working_folder(int count, char **arguments, char **environment) {
  (void)count, (void)arguments, (void)environment;
  char path[PATH_MAX];
  if (getcwd(path, sizeof path) != NULL || errno != ENOENT) return;
  static const char text[] = "flux: the working folder does not exist any more: change into another one (cd)\n";
  ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
  (void)written;  // a closed standard error gets no message
  _exit(1);
}

__attribute__((section(".preinit_array"), used)) static void (*const before_initializers)(int, char **, char **) =
    check_working_folder;

#endif
