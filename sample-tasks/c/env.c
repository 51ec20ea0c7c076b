// `env [ARGUMENT...]`: prints its environment variables, sorted, and then its arguments.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(int argc, char **argv) {
    size_t count = 0;
    while (environ != NULL && environ[count] != NULL) {
        count++;
    }
    // In place: nothing here looks a variable up by its name.
    qsort(environ, count, sizeof *environ, compare);
    for (size_t index = 0; index < count; index++) {
        puts(environ[index]);
    }
    for (int index = 1; index < argc; index++) {
        printf("argument %d: %s\n", index, argv[index]);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
