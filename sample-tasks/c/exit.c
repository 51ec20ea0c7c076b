// `exit CODE`: ends with that exit code, from 0 to 255.
//
// It must stay a wasip1 module: the adapter that makes a component knows only success and failure.

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    char *end = NULL;
    long code = argc == 2 ? strtol(argv[1], &end, 10) : -1;
    if (argc != 2 || end == argv[1] || *end != '\0' || code < 0 || code > 255) {
        fputs("usage: exit CODE, from 0 to 255\n", stderr);
        return 2;
    }
    return (int)code;
}
