// The limits of pipes, of sendfile and of names: the system calls in loops written by hand.
//
//     local_calls ping N PARTNER               64 B to the partner and back: write, ppoll, read
//     local_calls read MIB PARTNER             what it writes: ppoll and read
//     local_calls write MIB PARTNER            what it reads: ppoll and write
//     local_calls sendfile N PARTNER FILE      the file over TCP, N times: sendfile(2)
//     local_calls literal|names N PARTNER      getaddrinfo(3) in 4 threads
#define _GNU_SOURCE
#include "partner.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { message_size = 64, block = 64 * 1024, threads = 4 };

static char buffer[block];

static void wait_for(int fd, short events) {
    struct pollfd polled = {.fd = fd, .events = events};
    if (ppoll(&polled, 1, NULL, NULL) < 0) {
        die("ppoll", errno);
    }
}

static void read_exactly(int fd, size_t size) {
    for (size_t got = 0; got < size;) {
        wait_for(fd, POLLIN);
        const ssize_t part = read(fd, buffer + got, size - got);
        if (part <= 0 && errno != EAGAIN) {
            die("read", errno);
        }
        got += part > 0 ? (size_t)part : 0;
    }
}

static void ping(uint64_t count, const char* program) {
    const char* const words[] = {program, "echo", NULL};
    struct partner partner = start_partner(words);
    fcntl(partner.from, F_SETFL, O_NONBLOCK);
    fcntl(partner.to, F_SETFL, O_NONBLOCK);
    const struct job_clocks clocks = start_clocks();
    for (uint64_t i = 0; i < count; ++i) {
        if (write(partner.to, buffer, message_size) != message_size) {
            die("write", errno);
        }
        read_exactly(partner.from, message_size);
    }
    print_job(clocks, count, -1);
    close(partner.to);
    end_partner(&partner);
}

static void read_all(uint64_t mib, const char* program) {
    char number[32];
    snprintf(number, sizeof number, "%llu", (unsigned long long)mib);
    const char* const words[] = {program, "source", number, NULL};
    struct partner partner = start_partner(words);
    fcntl(partner.from, F_SETFL, O_NONBLOCK);
    const struct job_clocks clocks = start_clocks();
    uint64_t total = 0;
    for (ssize_t size = 1; size != 0;) {
        wait_for(partner.from, POLLIN);
        size = read(partner.from, buffer, block);
        if (size < 0 && errno != EAGAIN) {
            die("read", errno);
        }
        total += size > 0 ? (uint64_t)size : 0;
    }
    if (total != mib << 20) {
        die("read", EIO);
    }
    print_job(clocks, mib, -1);
    end_partner(&partner);
}

static void write_all(uint64_t mib, const char* program) {
    const char* const words[] = {program, "sink", NULL};
    struct partner partner = start_partner(words);
    fcntl(partner.to, F_SETFL, O_NONBLOCK);
    const struct job_clocks clocks = start_clocks();
    for (uint64_t total = 0; total < mib << 20;) {
        wait_for(partner.to, POLLOUT);
        const ssize_t size = write(partner.to, buffer, block - total % block);
        if (size < 0 && errno != EAGAIN) {
            die("write", errno);
        }
        total += size > 0 ? (uint64_t)size : 0;
    }
    close(partner.to);
    end_partner(&partner);
    print_job(clocks, mib, -1);
}

// Files over TCP.

static int listen_on_loopback(char port[16]) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr*)&address, sizeof address) != 0 || listen(fd, 8) != 0 ||
        getsockname(fd, (struct sockaddr*)&address, &length) != 0) {
        die("listen", errno);
    }
    snprintf(port, 16, "%d", ntohs(address.sin_port));
    return fd;
}

static void send_file(int socket, int file, off_t size) {
    for (off_t offset = 0; offset < size;) {
        if (sendfile(socket, file, &offset, (size_t)(size - offset)) <= 0) {
            die("sendfile", errno);
        }
    }
}

static void send_files(uint64_t rounds, const char* program, const char* path) {
    struct stat status;
    char port[16];
    char count[32];
    char bytes[32];
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0) {
        die(path, errno);
    }
    const int listener = listen_on_loopback(port);
    snprintf(count, sizeof count, "%llu", (unsigned long long)rounds);
    snprintf(bytes, sizeof bytes, "%lld", (long long)status.st_size);
    const char* const words[] = {program, "receive", port, count, bytes, NULL};
    struct partner partner = start_partner(words);
    const int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    const int one = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const struct job_clocks clocks = start_clocks();
    while (recv(socket, buffer, 1, 0) == 1) {
        send_file(socket, file, status.st_size);
    }
    print_job(clocks, rounds * (uint64_t)status.st_size >> 20, -1);
    end_partner(&partner);
}

// Names.

static atomic_uint_least64_t next_name;
static uint64_t name_count;
static int literals;

static void* look_up(void* unused) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    (void)unused;
    for (;;) {
        const uint64_t number = atomic_fetch_add(&next_name, 1);
        if (number >= name_count) {
            return NULL;
        }
        char host[32] = "localhost";
        char port[16];
        struct addrinfo* found = NULL;
        if (literals) {
            snprintf(host, sizeof host, "127.0.0.%u", (unsigned)(number % 250 + 1));
        }
        snprintf(port, sizeof port, "%u", (unsigned)(number % 60000 + 1));
        if (getaddrinfo(host, port, &hints, &found) != 0) {
            die(host, EIO);
        }
        freeaddrinfo(found);
    }
}

static void look_up_all(uint64_t count) {
    pthread_t workers[threads];
    name_count = count;
    const struct job_clocks clocks = start_clocks();
    for (int i = 0; i < threads; ++i) {
        if (pthread_create(&workers[i], NULL, look_up, NULL) != 0) {
            die("pthread_create", errno);
        }
    }
    for (int i = 0; i < threads; ++i) {
        pthread_join(workers[i], NULL);
    }
    print_job(clocks, count, -1);
}

int main(int argc, char** argv) {
    const uint64_t count = number_argument(argc, argv, 2);
    const char* const job = argv[1];
    const char* const program = argc > 3 ? argv[3] : "";
    literals = strcmp(job, "literal") == 0;
    if (strcmp(job, "ping") == 0) {
        ping(count, program);
    } else if (strcmp(job, "read") == 0) {
        read_all(count, program);
    } else if (strcmp(job, "write") == 0) {
        write_all(count, program);
    } else if (strcmp(job, "sendfile") == 0 && argc > 4) {
        send_files(count, program, argv[4]);
    } else if (literals || strcmp(job, "names") == 0) {
        look_up_all(count);
    } else {
        die(job, EINVAL);
    }
}
