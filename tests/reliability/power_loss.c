/* LD_PRELOAD shim: watches what a process does to the files under one folder.

   shim_start(root, log, at, how) begins. Every call that changes a file or a name under `root` counts. `log`: a file
   that takes a record of each, with its data. `at`: the number of the call that fails, and `how`: EIO, ENOSPC, EINTR
   (once), "short" (half of a write, once), "full" (ENOSPC from there on), "kill" (SIGKILL before it), "kill late"
   (after half of it, for a write, else after it). shim_mark() writes a mark in the log; shim_stop() ends and gives the count.

   A record is: type (1 byte), two lengths and an offset (8 bytes each, little endian), then two strings of bytes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_FILES 4096
static char root[PATH_MAX], *paths[MOST_FILES], how[16];
static int log_fd = -1, on = 0;
static long at = 0, calls = 0;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void record(char type, const char *path, const void *data, uint64_t size, uint64_t offset) {
    if (log_fd < 0) return;
    uint64_t head[3] = {strlen(path), size, offset};
    pthread_mutex_lock(&lock);
    if (syscall(SYS_write, log_fd, &type, 1) != 1 || syscall(SYS_write, log_fd, head, sizeof head) != sizeof head ||
        syscall(SYS_write, log_fd, path, head[0]) != (long)head[0] ||
        (size && syscall(SYS_write, log_fd, data, size) != (long)size))
        abort();
    pthread_mutex_unlock(&lock);
}

/* The call fails: 1 (errno is set), half is to be done: 2, it goes on: 0. */
static int fails(void) {
    if (++calls < at || !at || (calls > at && strcmp(how, "full"))) return 0;
    if (!strcmp(how, "kill")) raise(SIGKILL);
    if (!strcmp(how, "short") || !strcmp(how, "kill late")) return 2;
    errno = !strcmp(how, "EIO") ? EIO : !strcmp(how, "EINTR") ? EINTR : ENOSPC;
    return 1;
}

static void late(int what) {
    if (what == 2 && !strcmp(how, "kill late")) raise(SIGKILL);
}

static const char *absolute(int dir, const char *path, char *out) {
    char base[PATH_MAX] = "", link[64];
    if (path[0] == '/') {
        snprintf(out, PATH_MAX, "%s", path);
        return out;
    }
    if (dir == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) base[0] = 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
        ssize_t n = readlink(link, base, sizeof base - 1);
        base[n < 0 ? 0 : n] = 0;
    }
    if (snprintf(out, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) abort();
    return out;
}

static int is_ours(const char *path) {
    size_t n = strlen(root), m = strlen(path);
    int is_shared_memory = m > 4 && !strcmp(path + m - 4, "-shm");
    return on && !is_shared_memory && !strncmp(path, root, n) && (path[n] == '/' || !path[n]);
}

static const char *path_of(int fd) { return on && fd >= 0 && fd < MOST_FILES ? paths[fd] : NULL; }

void shim_start(const char *folder, const char *log, long number, const char *what) {
    snprintf(root, sizeof root, "%s", folder);
    snprintf(how, sizeof how, "%s", what);
    if (*log) log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    at = number;
    calls = 0;
    on = 1;
}

void shim_mark(void) {
    if (on) record('m', "", NULL, 0, 0);
}

long shim_stop(void) {
    on = 0;
    return calls;
}

static int opened(int fd, const char *path) {
    if (fd >= 0 && fd < MOST_FILES) {
        free(paths[fd]);
        paths[fd] = strdup(path);
    }
    return fd;
}

static int opening(int dir, const char *given, int flags, mode_t mode) {
    char path[PATH_MAX];
    if (!on || !is_ours(absolute(dir, given, path))) return syscall(SYS_openat, dir, given, flags, mode);
    int is_new = (flags & O_CREAT) && syscall(SYS_access, path, F_OK) != 0, was = errno;
    int what = is_new || (flags & O_TRUNC) ? fails() : 0;
    if (what == 1) return -1;
    errno = was;
    int fd = syscall(SYS_openat, dir, given, flags, mode);
    if (fd >= 0 && is_new) record('c', path, NULL, 0, 0);
    if (fd >= 0 && !is_new && (flags & O_TRUNC)) record('t', path, NULL, 0, 0);
    late(what);
    return opened(fd, path);
}

#define OPEN(name, first, dir)                                        \
    int name first {                                                  \
        mode_t mode = 0;                                              \
        if (flags & (O_CREAT | O_TMPFILE)) {                          \
            va_list rest;                                             \
            va_start(rest, flags);                                    \
            mode = va_arg(rest, mode_t);                              \
            va_end(rest);                                             \
        }                                                             \
        return opening(dir, path, flags | O_LARGEFILE, mode);         \
    }
OPEN(open, (const char *path, int flags, ...), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD)
OPEN(openat, (int dir, const char *path, int flags, ...), dir)
OPEN(openat64, (int dir, const char *path, int flags, ...), dir)

int close(int fd) {
    if (fd >= 0 && fd < MOST_FILES && paths[fd]) {
        free(paths[fd]);
        paths[fd] = NULL;
    }
    return syscall(SYS_close, fd);
}

static ssize_t writing(int fd, const void *data, size_t size, off_t offset, int is_at) {
    const char *path = path_of(fd);
    int what = path ? fails() : 0;
    if (what == 1) return -1;
    if (what == 2) size = size > 1 ? size / 2 : size;
    if (path && !is_at) offset = syscall(SYS_lseek, fd, 0, SEEK_CUR);
    ssize_t n = is_at ? syscall(SYS_pwrite64, fd, data, size, offset) : syscall(SYS_write, fd, data, size);
    if (path && n > 0) record('w', path, data, n, offset);
    late(what);
    return n;
}

ssize_t write(int fd, const void *data, size_t size) { return writing(fd, data, size, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return writing(fd, data, size, offset, 1); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) { return writing(fd, data, size, offset, 1); }

#define WATCHED(path, type, data, size, offset, call)                                       \
    do {                                                                                    \
        const char *where = (path);                                                         \
        int what = where ? fails() : 0, result;                                             \
        if (what == 1) return -1;                                                           \
        result = (call);                                                                    \
        if (where && result == 0) record(type, where, data, size, offset);                  \
        late(what);                                                                         \
        return result;                                                                      \
    } while (0)

int ftruncate(int fd, off_t size) { WATCHED(path_of(fd), 't', NULL, 0, size, syscall(SYS_ftruncate, fd, size)); }
int ftruncate64(int fd, off_t size) { WATCHED(path_of(fd), 't', NULL, 0, size, syscall(SYS_ftruncate, fd, size)); }
int fsync(int fd) { WATCHED(path_of(fd), 's', NULL, 0, 0, syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { WATCHED(path_of(fd), 's', NULL, 0, 0, syscall(SYS_fdatasync, fd)); }

#define NAMED(dir, given, type, data, size, call)                                           \
    do {                                                                                    \
        char buffer[PATH_MAX];                                                              \
        if (!on) return call;                                                               \
        const char *named = absolute(dir, given, buffer);                                   \
        WATCHED(is_ours(named) ? named : NULL, type, data, size, 0, call);                  \
    } while (0)

int unlinkat(int dir, const char *path, int flags) {
    NAMED(dir, path, 'u', NULL, 0, syscall(SYS_unlinkat, dir, path, flags));
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int mkdirat(int dir, const char *path, mode_t mode) {
    NAMED(dir, path, 'd', NULL, 0, syscall(SYS_mkdirat, dir, path, mode));
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
int renameat(int from_dir, const char *from, int to_dir, const char *to) {
    char target[PATH_MAX];
    absolute(to_dir, to, target);
    NAMED(from_dir, from, 'r', target, strlen(target), syscall(SYS_renameat, from_dir, from, to_dir, to));
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }
