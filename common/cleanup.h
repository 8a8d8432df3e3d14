/*
 * Clean-up attributes: owned locals that free themselves, and the hand-over of what they own.
 * Used by every room. A macro here never returns and never declares.
 */
#ifndef KC_CLEANUP_H
#define KC_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define KC_CLEANUP(function) __attribute__((cleanup(function)))
#define KC_AUTO_FREE KC_CLEANUP(kc_cleanup_free)
#define KC_AUTO_CLOSE KC_CLEANUP(kc_cleanup_close)

/* Hands an owned pointer over: its value, and NULL is left behind. */
#define KC_TAKE(pointer)                                                                           \
    __extension__({                                                                                \
        __typeof__(pointer) kc_taken = (pointer);                                                  \
        (pointer) = NULL;                                                                          \
        kc_taken;                                                                                  \
    })

/* Hands an owned descriptor over: its value, and -1 is left behind. */
#define KC_TAKE_FD(fd)                                                                             \
    __extension__({                                                                                \
        int kc_taken = (fd);                                                                       \
        (fd) = -1;                                                                                 \
        kc_taken;                                                                                  \
    })

static inline void kc_cleanup_free(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}

static inline void kc_cleanup_close(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#endif
