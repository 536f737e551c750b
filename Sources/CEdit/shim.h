#include <editline/readline.h>

/* A global variable of C, which Swift cannot assign safely. */
static inline void edit_complete_with(char **(*function)(const char *, int, int)) {
  rl_attempted_completion_function = function;
}
