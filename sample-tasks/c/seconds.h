// Durations given as decimal seconds, `1` or `0.25`: reading them and waiting for their end.

#include <stdbool.h>
#include <time.h>

// About three years: more is a mistake.
#define SECONDS_MAX 100000000

// False if the text is not a plain decimal number, or one beyond SECONDS_MAX. By hand, since strtod
// would be most of such a program, and accepts infinity.
static bool parse_seconds(const char *text, struct timespec *seconds) {
    bool has_digit = false;
    seconds->tv_sec = 0;
    seconds->tv_nsec = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        has_digit = true;
        seconds->tv_sec = seconds->tv_sec * 10 + (*text - '0');
        if (seconds->tv_sec > SECONDS_MAX) {
            return false;
        }
    }
    if (*text == '.') {
        text++;
        for (long unit = 100000000; *text >= '0' && *text <= '9'; text++, unit /= 10) {
            has_digit = true;
            seconds->tv_nsec += (*text - '0') * unit;
        }
    }
    return has_digit && *text == '\0';
}

static void wait_seconds(struct timespec seconds) {
    while (nanosleep(&seconds, &seconds) != 0) {
    }
}
