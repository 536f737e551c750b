#include "CBuildInfo.h"

// Package.swift defines it from the environment. A new commit compiles this file and the command that imports it; the
// libraries do not depend on it.
#ifndef FLUX_COMMIT
#define FLUX_COMMIT ""
#endif

const char *build_commit(void) { return FLUX_COMMIT; }
