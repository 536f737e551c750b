// What the program knows of its own build.
#ifndef CBUILDINFO_H
#define CBUILDINFO_H

// The commit that the program was built from, such as "7ff0b8b" or "7ff0b8b-dirty"; empty where it is not known.
const char *build_commit(void);

#endif
