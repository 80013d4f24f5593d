/* TensorFlow's libraries print a dozen lines on standard error while they are
   loaded, before main; people would read them as errors of theirs. Functions in an
   executable's .preinit_array run before any library's initialisation:

   - Without TF_CPP_MIN_LOG_LEVEL in the environment the program starts itself again
     with level 3, because the libraries read it while they load.
   - With level 3, standard error goes nowhere until the libraries have loaded (the
     executable's constructors run after all of theirs): some lines heed no level.

   A TF_CPP_MIN_LOG_LEVEL that a person set to less shows everything. */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int kept = -1;

static void hush(int argc, char **argv, char **envp) {
  static const char level[] = "TF_CPP_MIN_LOG_LEVEL=";
  int n = 0;
  for (; envp[n]; n++)
    if (!strncmp(envp[n], level, sizeof level - 1)) {
      if (strcmp(envp[n] + sizeof level - 1, "3")) return;
      int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
      if (nowhere < 0) return;
      kept = fcntl(2, F_DUPFD_CLOEXEC, 3);
      if (kept >= 0) dup2(nowhere, 2);
      close(nowhere);
      return;
    }
  char *longer[n + 2];
  memcpy(longer, envp, n * sizeof *envp);
  longer[n] = "TF_CPP_MIN_LOG_LEVEL=3";
  longer[n + 1] = NULL;
  if (argc > 0) execve("/proc/self/exe", argv, longer); /* on failure it is merely noisy */
}

__attribute__((used, section(".preinit_array"))) static void (*hush_first)(int, char **, char **) = hush;

__attribute__((constructor)) static void speak(void) {
  if (kept < 0) return;
  dup2(kept, 2);
  close(kept);
}
