/* Loaded by LD_PRELOAD: makes system calls on one folder fail on command, as a disk in trouble does.
 *
 * The kernel itself hands over each call that is in the table below, whoever makes it: libc, a library of another
 * language or a bare instruction (seccomp's SECCOMP_RET_TRAP, which is a signal in the thread that calls). What is done
 * here comes from one stretch of code that the kernel lets through. The program under it cannot start another one.
 *
 * GLASSHOUSE_FAULTS_PROGRAM names the program that is meant: those that start it are left alone. GLASSHOUSE_FAULTS names
 * the folder, GLASSHOUSE_FAULTS_ORDER a file with one line, "EDITION OPERATION NTH TIMES ERRNO
 * DELAY_US", and GLASSHOUSE_FAULTS_LOG a file that receives a line for each call: its edition and its name. The NTH call
 * of this name fails and those after it, TIMES in all; none of them ever stops to when TIMES is 0. A new edition counts
 * from the beginning. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/falloc.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

/* The one place whose calls pass. */
long straight(long number, long a, long b, long c, long d, long e, long f);
extern const char straight_end[];
#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
__asm__(".text\n.p2align 6\n.globl straight, straight_end\n.hidden straight, straight_end\n"
        ".type straight, @function\n"
        "straight:\n mov %rdi, %rax\n mov %rsi, %rdi\n mov %rdx, %rsi\n mov %rcx, %rdx\n mov %r8, %r10\n"
        " mov %r9, %r8\n mov 8(%rsp), %r9\n syscall\n ret\nstraight_end:\n");
#define REGISTERS(context) ((context)->uc_mcontext.gregs)
static const int ARGUMENTS[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
#define RESULT REG_RAX
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
__asm__(".text\n.p2align 6\n.globl straight, straight_end\n.hidden straight, straight_end\n"
        ".type straight, %function\n"
        "straight:\n mov x8, x0\n mov x0, x1\n mov x1, x2\n mov x2, x3\n mov x3, x4\n mov x4, x5\n mov x5, x6\n"
        " svc #0\n ret\nstraight_end:\n");
#define REGISTERS(context) ((context)->uc_mcontext.regs)
static const int ARGUMENTS[] = {0, 1, 2, 3, 4, 5};
#define RESULT 0
#else
#error "the registers of this processor are not known here"
#endif

/* Which arguments say what a call is about: a path, below the folder that is open as `fd` if there is one, or `fd`
 * itself. A call with two files has two rows. */
enum { NONE = -1 };
struct call {
    int number, fd, path;
    const char *name;
};
static const struct call CALLS[] = {
#ifdef SYS_open /* Newer processors have only the calls that take a folder. */
    {SYS_open, NONE, 0, "open"},
    {SYS_creat, NONE, 0, "create"},
    {SYS_rename, NONE, 0, "rename"},
    {SYS_link, NONE, 0, "rename"},
    {SYS_unlink, NONE, 0, "remove"},
    {SYS_rmdir, NONE, 0, "remove"},
    {SYS_mkdir, NONE, 0, "make_folder"},
    {SYS_stat, NONE, 0, "look"},
    {SYS_lstat, NONE, 0, "look"},
    {SYS_access, NONE, 0, "look"},
    {SYS_chmod, NONE, 0, "permit"},
    {SYS_getdents, 0, NONE, "list"},
#endif
#ifdef SYS_renameat
    {SYS_renameat, 0, 1, "rename"},
#endif
    {SYS_openat, 0, 1, "open"},
    {SYS_openat2, 0, 1, "open"},
    {SYS_read, 0, NONE, "read"},
    {SYS_readv, 0, NONE, "read"},
    {SYS_pread64, 0, NONE, "read"},
    {SYS_preadv, 0, NONE, "read"},
    {SYS_preadv2, 0, NONE, "read"},
    {SYS_sendfile, 1, NONE, "send"},
    {SYS_sendfile, 0, NONE, "write"},
    {SYS_splice, 0, NONE, "send"},
    {SYS_splice, 2, NONE, "write"},
    {SYS_copy_file_range, 0, NONE, "send"},
    {SYS_copy_file_range, 2, NONE, "write"},
    {SYS_write, 0, NONE, "write"},
    {SYS_writev, 0, NONE, "write"},
    {SYS_pwrite64, 0, NONE, "write"},
    {SYS_pwritev, 0, NONE, "write"},
    {SYS_pwritev2, 0, NONE, "write"},
    {SYS_fallocate, 0, NONE, "allocate"},
    {SYS_ftruncate, 0, NONE, "truncate"},
    {SYS_truncate, NONE, 0, "truncate"},
    {SYS_fsync, 0, NONE, "flush"},
    {SYS_fdatasync, 0, NONE, "flush"},
    {SYS_sync_file_range, 0, NONE, "flush"},
    {SYS_renameat2, 0, 1, "rename"},
    {SYS_linkat, 0, 1, "rename"},
    {SYS_unlinkat, 0, 1, "remove"},
    {SYS_mkdirat, 0, 1, "make_folder"},
    {SYS_getdents64, 0, NONE, "list"},
    {SYS_fstat, 0, NONE, "look"},
    {SYS_newfstatat, 0, 1, "look"},
    {SYS_statx, 0, 1, "look"},
    {SYS_faccessat, 0, 1, "look"},
    {SYS_faccessat2, 0, 1, "look"},
    {SYS_fchmod, 0, NONE, "permit"},
    {SYS_fchmodat, 0, 1, "permit"},
    {SYS_flock, 0, NONE, "lock"},
    {SYS_fcntl, 0, NONE, "lock"},
};
enum { CALL_COUNT = sizeof CALLS / sizeof *CALLS };

static const char *folder, *order_file, *log_file;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int is_below(const char *path) {
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static int path_of(int fd, char *path) {
    char link[64] = "/proc/self/cwd";
    if (fd != AT_FDCWD) snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = '\0';
    return length > 0;
}

static int is_ours(const struct call *call, const long *arguments) {
    char whole[2 * PATH_MAX];
    const char *path = call->path == NONE ? "" : (const char *)arguments[call->path];
    if (!path) path = "";
    if (*path == '/') return is_below(path);
    if (!path_of(call->fd == NONE ? AT_FDCWD : (int)arguments[call->fd], whole)) return 0;
    if (*path) snprintf(whole + strlen(whole), PATH_MAX, "/%s", path);
    return is_below(whole);
}

static const char *opening(long flags) {
    return flags & O_DIRECTORY ? "list" : flags & O_CREAT ? "create" : "open";
}

/* What the call is by its arguments; NULL for what no disk has a part in. */
static const char *name_of(const struct call *call, const long *arguments) {
    struct stat is;
    switch (call->number) {
#ifdef SYS_open
    case SYS_open: return opening(arguments[1]);
#endif
    case SYS_openat: return opening(arguments[2]);
    case SYS_openat2: return opening(((const struct open_how *)arguments[2])->flags);
    case SYS_preadv2: return arguments[5] & RWF_NOWAIT ? "read_cached" : "read";
    case SYS_fallocate: return arguments[1] & FALLOC_FL_PUNCH_HOLE ? "punch" : "allocate";
    case SYS_fsync:
        if (straight(SYS_fstat, arguments[0], (long)&is, 0, 0, 0, 0) == 0 && S_ISDIR(is.st_mode)) return "flush_folder";
        return call->name;
    case SYS_fcntl:
        switch (arguments[1]) {
        case F_SETLK: case F_SETLKW: case F_OFD_SETLK: case F_OFD_SETLKW: return call->name;
        default: return NULL;
        }
    default: return call->name;
    }
}

struct order {
    char operation[32];
    long edition, nth, times, number, delay;
};

static int read_order(struct order *order) {
    char line[256] = "";
    long fd = straight(SYS_openat, AT_FDCWD, (long)order_file, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (fd < 0) return 0;
    long length = straight(SYS_read, fd, (long)line, sizeof line - 1, 0, 0, 0);
    close(fd);
    return length > 0 && sscanf(line, "%ld %31s %ld %ld %ld %ld", &order->edition, order->operation, &order->nth,
                                &order->times, &order->number, &order->delay) == 6;
}

static void note(long edition, const char *name) {
    char line[64];
    int length = snprintf(line, sizeof line, "%ld %s\n", edition, name);
    long fd = straight(SYS_openat, AT_FDCWD, (long)log_file, O_WRONLY | O_APPEND | O_CLOEXEC, 0, 0, 0);
    if (fd < 0) return;
    straight(SYS_write, fd, (long)line, length, 0, 0, 0);
    close(fd);
}

/* With which number this call fails; 0 if it does not. */
static long failure(const char *name) {
    static long last_edition, count;
    struct order order;
    int fails = 0;
    pthread_mutex_lock(&lock);
    int is_ordered = read_order(&order);
    if (is_ordered) {
        if (order.edition != last_edition) {
            last_edition = order.edition;
            count = 0;
        }
        note(order.edition, name);
        if (strcmp(order.operation, name) == 0) {
            count++;
            fails = count >= order.nth && (order.times == 0 || count < order.nth + order.times);
        }
    }
    pthread_mutex_unlock(&lock);
    if (is_ordered && order.delay) usleep(order.delay);
    return fails ? order.number : 0;
}

static long answer(int number, long *arguments) {
    for (const struct call *call = CALLS; call < CALLS + CALL_COUNT; call++) {
        if (call->number != number || !is_ours(call, arguments)) continue;
        const char *name = name_of(call, arguments);
        long error = name ? failure(name) : 0;
        if (error) return -error;
        break;
    }
    /* In pieces, so that a fault may strike in the midst of it. */
    if (number == SYS_writev && arguments[2] > 4) arguments[2] = 4;
    return straight(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

static void on_call(int signal, siginfo_t *call, void *context) {
    (void)signal;
    int kept = errno;
    long arguments[6];
    for (int i = 0; i < 6; i++) arguments[i] = REGISTERS((ucontext_t *)context)[ARGUMENTS[i]];
    REGISTERS((ucontext_t *)context)[RESULT] = answer(call->si_syscall, arguments);
    errno = kept;
}

static void give_up(const char *what) {
    perror(what);
    _exit(97);
}

__attribute__((constructor)) static void install(void) {
    const char *program_meant = getenv("GLASSHOUSE_FAULTS_PROGRAM");
    if (!program_meant || strcmp(program_meant, program_invocation_short_name)) return;
    folder = getenv("GLASSHOUSE_FAULTS");
    order_file = getenv("GLASSHOUSE_FAULTS_ORDER");
    log_file = getenv("GLASSHOUSE_FAULTS_LOG");
    if (!folder || !order_file || !log_file) give_up("no GLASSHOUSE_FAULTS");

    /* No other handler in between: it could make calls of its own. */
    struct sigaction action = {.sa_sigaction = on_call, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigfillset(&action.sa_mask);
    if (sigaction(SIGSYS, &action, NULL)) give_up("sigaction");

    struct sock_filter lines[10 + 2 * CALL_COUNT + 1];
    struct sock_filter *next = lines;
    uint64_t start = (uintptr_t)straight, end = (uintptr_t)straight_end;
    const uint32_t pointer = offsetof(struct seccomp_data, instruction_pointer);
#define LOAD(offset) *next++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define JUMP(how, value, yes, no) *next++ = (struct sock_filter)BPF_JUMP(BPF_JMP | how | BPF_K, value, yes, no)
#define ANSWER(what) *next++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what)
    LOAD(offsetof(struct seccomp_data, arch));
    JUMP(BPF_JEQ, ARCHITECTURE, 1, 0);
    ANSWER(SECCOMP_RET_ALLOW);
    /* The pointer is a number of 64 bits on machines whose lower half comes first. */
    LOAD(pointer + 4);
    JUMP(BPF_JEQ, (uint32_t)(start >> 32), 0, 4);
    LOAD(pointer);
    JUMP(BPF_JGE, (uint32_t)start, 0, 2);
    JUMP(BPF_JGE, (uint32_t)end, 1, 0);
    ANSWER(SECCOMP_RET_ALLOW);
    LOAD(offsetof(struct seccomp_data, nr));
    for (int i = 0; i < CALL_COUNT; i++) {
        JUMP(BPF_JEQ, (uint32_t)CALLS[i].number, 0, 1);
        ANSWER(SECCOMP_RET_TRAP);
    }
    ANSWER(SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = next - lines, .filter = lines};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) give_up("PR_SET_NO_NEW_PRIVS");
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) give_up("PR_SET_SECCOMP");
}
