// The limits of copies of files and walks of trees: the system calls in loops written by hand.
//
//     tree_calls copy FROM TO         copy_file_range(2), as cp does it; `copied` by read and write
//     tree_calls walk ROOT ROUNDS     in a thread: the names in order; with `count` only counted
//     tree_calls stat ROOT ROUNDS     each file of ROOT/0
#define _GNU_SOURCE
#include "../harness/job.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { mib = 1 << 20, copy_buffer = 256 * 1024, entries_buffer = 128 * 1024 };
enum { names_limit = 4096, texts_size = 128 * 1024, levels = 16 };

static uint64_t size_of(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) {
        die("fstat", errno);
    }
    return (uint64_t)status.st_size;
}

static uint64_t copy_in_kernel(int from, int to) {
    uint64_t copied = 0;
    for (;;) {
        const ssize_t size = copy_file_range(from, NULL, to, NULL, (size_t)1 << 30, 0);
        if (size < 0) {
            die("copy_file_range", errno);
        }
        if (size == 0) {
            return copied;
        }
        copied += (uint64_t)size;
    }
}

static uint64_t read_and_write(int from, int to) {
    char* const buffer = malloc(copy_buffer);
    uint64_t copied = 0;
    posix_fadvise(from, 0, 0, POSIX_FADV_SEQUENTIAL);
    for (;;) {
        const ssize_t size = read(from, buffer, copy_buffer);
        if (size < 0 || (size > 0 && write(to, buffer, (size_t)size) != size)) {
            die("copy", errno);
        }
        if (size == 0) {
            free(buffer);
            return copied;
        }
        copied += (uint64_t)size;
    }
}

static void copy(const char* source, const char* target, bool in_kernel) {
    const struct job_clocks clocks = start_clocks();
    const int from = open(source, O_RDONLY | O_CLOEXEC);
    const int to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (from < 0 || to < 0) {
        die("open", errno);
    }
    const uint64_t copied = in_kernel ? copy_in_kernel(from, to) : read_and_write(from, to);
    if (copied != size_of(from) || close(to) != 0) {
        die("copy", errno);
    }
    print_job(clocks, copied / mib, -1);
}

// Walking. Each directory is read with few calls, and opened by way of its parent.

/// A name, and its first bytes as a number that is ordered like them.
struct name {
    uint64_t beginning;
    const char* text;
};

struct level {
    char* entries;  // as the kernel gives them
    char* texts;    // of the names that are kept
    size_t used;
    struct name* names;
    struct name* spare;  // for sorting
    size_t kept;
};

struct walk {
    const char* root;
    bool keeps_names;
    uint64_t names;
    struct level levels[levels];
};

struct linux_dirent64 {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

static inline bool precedes(const struct name* left, const struct name* right) {
    return left->beginning != right->beginning ? left->beginning < right->beginning
                                               : strcmp(left->text, right->text) < 0;
}

static void merge(const struct name* from, struct name* to, size_t begin, size_t middle,
                  size_t end) {
    size_t left = begin;
    size_t right = middle;
    for (size_t at = begin; at < end; ++at) {
        const bool takes_left =
            left < middle && (right == end || !precedes(&from[right], &from[left]));
        to[at] = takes_left ? from[left++] : from[right++];
    }
}

/// A merge sort from below, for qsort(3) calls a function for each comparison.
static void sort_names(struct level* level) {
    enum { run = 8 };
    struct name* from = level->names;
    for (size_t begin = 0; begin < level->kept; begin += run) {
        const size_t end = begin + run < level->kept ? begin + run : level->kept;
        for (size_t at = begin + 1; at < end; ++at) {
            const struct name name = from[at];
            size_t place = at;
            for (; place > begin && precedes(&name, &from[place - 1]); --place) {
                from[place] = from[place - 1];
            }
            from[place] = name;
        }
    }
    struct name* to = level->spare;
    for (size_t width = run; width < level->kept; width *= 2) {
        for (size_t begin = 0; begin < level->kept; begin += 2 * width) {
            const size_t middle = begin + width < level->kept ? begin + width : level->kept;
            const size_t end = middle + width < level->kept ? middle + width : level->kept;
            merge(from, to, begin, middle, end);
        }
        struct name* const swapped = from;
        from = to;
        to = swapped;
    }
    level->names = from;
    level->spare = to;
}

static void keep_name(struct level* level, const char* text) {
    const size_t size = strlen(text) + 1;
    if (level->kept == names_limit || level->used + size > texts_size) {
        die("a directory with so many names", ENOMEM);
    }
    char* const kept = memcpy(level->texts + level->used, text, size);
    level->used += size;
    struct name name = {.text = kept};
    for (size_t at = 0; at < sizeof name.beginning; ++at) {
        name.beginning = name.beginning << 8 | (at < size ? (unsigned char)kept[at] : 0U);
    }
    level->names[level->kept++] = name;
}

static bool is_dots(const char* name) {
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static struct level* begin_level(struct walk* walk, unsigned depth) {
    struct level* const level = &walk->levels[depth];
    if (depth == levels) {
        die("walk", ELOOP);
    }
    if (level->entries == NULL) {
        level->entries = malloc(entries_buffer);
        level->texts = malloc(texts_size);
        level->names = malloc(names_limit * sizeof level->names[0]);
        level->spare = malloc(names_limit * sizeof level->names[0]);
    }
    if (level->entries == NULL || level->texts == NULL || level->names == NULL ||
        level->spare == NULL) {
        die("malloc", ENOMEM);
    }
    level->kept = level->used = 0;
    return level;
}

/// Counts what is in a directory; of those inside, by calling itself.
static void walk_into(struct walk* walk, int parent, const char* path, unsigned depth) {
    const int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        die(path, errno);
    }
    struct level* const level = begin_level(walk, depth);
    long size;
    while ((size = syscall(SYS_getdents64, fd, level->entries, entries_buffer)) > 0) {
        for (long at = 0; at < size;) {
            struct linux_dirent64* const entry = (struct linux_dirent64*)(level->entries + at);
            at += entry->length;
            if (is_dots(entry->name)) {
                continue;
            }
            ++walk->names;
            if (entry->type == DT_DIR) {
                walk_into(walk, fd, entry->name, depth + 1);
            } else if (walk->keeps_names) {
                keep_name(level, entry->name);
            }
        }
    }
    if (size < 0) {
        die("getdents64", errno);
    }
    sort_names(level);
    close(fd);
}

static void* walk_thread(void* argument) {
    struct walk* const walk = argument;
    walk_into(walk, AT_FDCWD, walk->root, 0);
    return NULL;
}

static void walk(const char* root, uint64_t rounds, bool keeps_names) {
    struct walk walk = {.root = root, .keeps_names = keeps_names};
    const struct job_clocks clocks = start_clocks();
    for (uint64_t i = 0; i < rounds; ++i) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, walk_thread, &walk) != 0) {
            die("pthread_create", errno);
        }
        pthread_join(thread, NULL);
    }
    print_job(clocks, walk.names, -1);
}

static void stat_all(const char* root, uint64_t rounds) {
    enum { path_size = 4096, files = 1000 };
    char path[path_size];
    struct stat status;
    const struct job_clocks clocks = start_clocks();
    for (uint64_t i = 0; i < rounds * files; ++i) {
        snprintf(path, sizeof path, "%s/000/file-%03u.txt", root, (unsigned)(i % files));
        if (stat(path, &status) != 0) {
            die(path, errno);
        }
    }
    print_job(clocks, rounds * files, -1);
}

int main(int argc, char** argv) {
    if (argc < 4) {
        die("arguments", EINVAL);
    }
    const char* const further = argc > 4 ? argv[4] : "";
    if (strcmp(argv[1], "copy") == 0) {
        copy(argv[2], argv[3], strcmp(further, "copied") != 0);
    } else if (strcmp(argv[1], "walk") == 0) {
        walk(argv[2], number_argument(argc, argv, 3), strcmp(further, "count") != 0);
    } else {
        stat_all(argv[2], number_argument(argc, argv, 3));
    }
}
