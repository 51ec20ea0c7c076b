// The allocation function a component's host and adapter use, linked into the wasip1 modules that
// become components.
//
// Without it the adapter grows the memory for itself, and the malloc of a wasi-libc older than 2023
// takes all memory up to the current size for its own, the adapter's page included: the first large
// allocation then overwrites the adapter's state. With it, the adapter asks malloc.

#include <stdlib.h>

__attribute__((export_name("cabi_realloc")))
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size) {
    (void)old_size;
    if (new_size == 0) {
        // A pointer that is aligned, not null, and never read.
        return (void *)align;
    }
    // malloc aligns to 16, and no value of the canonical ABI wants more.
    void *new = realloc(old, new_size);
    if (new == NULL) {
        __builtin_trap();
    }
    return new;
}
