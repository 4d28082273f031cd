/* The wall clock, CLOCK_AHEAD seconds ahead, for PostgreSQL and Valkey under `make test-days`.

   Nothing else changes: what measures how long something takes, what waits and what sets an alarm
   stays libc's. libfaketime shows the real time to a signal handler that interrupts a wait, so
   that PostgreSQL took every limit and every deadlock for years away. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t ahead;

__attribute__((constructor)) static void read_how_far(void) {
    const char *said = getenv("CLOCK_AHEAD");
    ahead = said ? atol(said) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    /* The system is asked directly: a handler may ask at any moment, also before all is loaded. */
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += ahead;
    }
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec moment;
    (void)zone;
    int failed = clock_gettime(CLOCK_REALTIME, &moment);
    if (!failed) {
        now->tv_sec = moment.tv_sec;
        now->tv_usec = moment.tv_nsec / 1000;
    }
    return failed;
}

time_t time(time_t *now) {
    struct timespec moment;
    clock_gettime(CLOCK_REALTIME, &moment);
    if (now) {
        *now = moment.tv_sec;
    }
    return moment.tv_sec;
}
