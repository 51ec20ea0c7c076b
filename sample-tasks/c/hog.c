// `hog MIB [SECONDS]`: takes MIB mebibytes of memory, writes to each page of them, says how much it
// got, and holds it for SECONDS. It ends with 1 when it did not get all.

#include <stdio.h>
#include <stdlib.h>

#include "seconds.h"

#define MIB_BYTES (1024 * 1024)

// The whole of a 32-bit memory, which no task can have.
#define MIB_MAX 4096

int main(int argc, char **argv) {
    struct timespec seconds = {0};
    char *end = NULL;
    long wanted = argc >= 2 ? strtol(argv[1], &end, 10) : -1;
    if (argc < 2 || argc > 3 || end == argv[1] || *end != '\0' || wanted < 0 || wanted > MIB_MAX ||
        (argc == 3 && !parse_seconds(argv[2], &seconds))) {
        fputs("usage: hog MIB [SECONDS], with MIB from 0 to 4096\n", stderr);
        return 2;
    }
    long got = 0;
    for (; got < wanted; got++) {
        // volatile, or the compiler drops the writing that nobody reads, and the allocation with it.
        volatile char *block = malloc(MIB_BYTES);
        if (block == NULL) {
            break;
        }
        for (size_t offset = 0; offset < MIB_BYTES; offset += 4096) {
            block[offset] = 1;
        }
    }
    printf("got %ld of %ld MiB\n", got, wanted);
    fflush(stdout);
    if (got < wanted) {
        fprintf(stderr, "hog: no more memory after %ld MiB\n", got);
    }
    wait_seconds(seconds);
    return got < wanted ? 1 : 0;
}
