/* Put in front of libc by LD_PRELOAD: makes calls on one folder fail on command, as a disk in trouble does.
 *
 * GLASSHOUSE_FAULTS names the folder, GLASSHOUSE_FAULTS_ORDER a file with one line, "EDITION OPERATION NTH ERRNO
 * DELAY_US", and GLASSHOUSE_FAULTS_LOG a file that receives a line for each call: its edition and its name. From the
 * NTH call of this name on, each fails. A new edition counts from the beginning. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int is_below(const char *path) {
    const char *folder = getenv("GLASSHOUSE_FAULTS");
    size_t length = folder ? strlen(folder) : 0;
    return length && strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static int is_ours(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = '\0';
    return is_below(path);
}

/* Straight to the kernel: what is done here must not come back here. */
static int order(long *edition, char *operation, long *nth, long *number, long *delay) {
    char line[256] = "";
    int fd = syscall(SYS_openat, AT_FDCWD, getenv("GLASSHOUSE_FAULTS_ORDER"), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    long length = syscall(SYS_read, fd, line, sizeof line - 1);
    syscall(SYS_close, fd);
    return length > 0 && sscanf(line, "%ld %31s %ld %ld %ld", edition, operation, nth, number, delay) == 5;
}

static void note(long edition, const char *name) {
    char line[64];
    int length = snprintf(line, sizeof line, "%ld %s\n", edition, name);
    int fd = syscall(SYS_openat, AT_FDCWD, getenv("GLASSHOUSE_FAULTS_LOG"), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0) return;
    syscall(SYS_write, fd, line, length);
    syscall(SYS_close, fd);
}

/* Whether this call fails; errno says how. */
static int fails(const char *name) {
    static long last_edition, count;
    long edition, nth, number, delay;
    char operation[32];
    int kept = errno, failed = 0;
    pthread_mutex_lock(&lock);
    if (order(&edition, operation, &nth, &number, &delay)) {
        if (edition != last_edition) {
            last_edition = edition;
            count = 0;
        }
        note(edition, name);
        if (delay) usleep(delay);
        failed = strcmp(operation, name) == 0 && ++count >= nth;
    }
    pthread_mutex_unlock(&lock);
    errno = failed ? (int)number : kept;
    return failed;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static const char *opening(int flags) { return flags & O_CREAT ? "create" : "open"; }

#define OPEN(name)                                                                  \
    int name(const char *path, int flags, ...) {                                    \
        va_list rest;                                                               \
        va_start(rest, flags);                                                      \
        mode_t mode = va_arg(rest, mode_t);                                         \
        va_end(rest);                                                               \
        if (is_below(path) && !(flags & O_DIRECTORY) && fails(opening(flags))) return -1; \
        return NEXT(name)(path, flags, mode);                                       \
    }
OPEN(open)
OPEN(open64)

ssize_t read(int fd, void *buffer, size_t size) {
    return is_ours(fd) && fails("read") ? -1 : NEXT(read)(fd, buffer, size);
}

ssize_t write(int fd, const void *buffer, size_t size) {
    return is_ours(fd) && fails("write") ? -1 : NEXT(write)(fd, buffer, size);
}

/* In pieces, so that a fault may strike in the midst of it. */
ssize_t writev(int fd, const struct iovec *pieces, int count) {
    if (!is_ours(fd)) return NEXT(writev)(fd, pieces, count);
    if (fails("write")) return -1;
    return NEXT(writev)(fd, pieces, count > 4 ? 4 : count);
}

int ftruncate64(int fd, off64_t length) {
    return is_ours(fd) && fails("truncate") ? -1 : NEXT(ftruncate64)(fd, length);
}

int fsync(int fd) {
    struct stat is;
    const char *name = fstat(fd, &is) == 0 && S_ISDIR(is.st_mode) ? "flush_folder" : "flush";
    return is_ours(fd) && fails(name) ? -1 : NEXT(fsync)(fd);
}

int rename(const char *from, const char *to) {
    return is_below(from) && fails("rename") ? -1 : NEXT(rename)(from, to);
}

int unlink(const char *path) {
    return is_below(path) && fails("remove") ? -1 : NEXT(unlink)(path);
}
