// `ticker SECONDS`: prints a numbered line each SECONDS, for ever. Fractions are allowed.

#include <stdio.h>

#include "seconds.h"

int main(int argc, char **argv) {
    struct timespec seconds;
    if (argc != 2 || !parse_seconds(argv[1], &seconds)) {
        fputs("usage: ticker SECONDS, at most 100000000, such as 2 or 0.25\n", stderr);
        return 1;
    }
    for (unsigned long long tick = 1;; tick++) {
        // Flushed, so that who follows the output sees the line when it is due.
        if (printf("tick %llu\n", tick) < 0 || fflush(stdout) != 0) {
            perror("ticker: cannot write");
            return 1;
        }
        wait_seconds(seconds);
    }
}
