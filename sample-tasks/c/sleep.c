// `sleep SECONDS`: waits, and ends. Fractions are allowed.

#include <stdio.h>

#include "seconds.h"

int main(int argc, char **argv) {
    struct timespec seconds;
    if (argc != 2 || !parse_seconds(argv[1], &seconds)) {
        fputs("usage: sleep SECONDS, at most 100000000, such as 2 or 0.25\n", stderr);
        return 1;
    }
    wait_seconds(seconds);
    return 0;
}
