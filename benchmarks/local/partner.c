// The other side of the pipe and sendfile benchmarks, the same for all candidates: blocking calls.
//
//     local_partner echo                         what comes, back
//     local_partner source MIB                   so much, in blocks of 64 KiB
//     local_partner sink                         what comes, away
//     local_partner receive PORT ROUNDS BYTES    a byte to the server for each answer of so many
//     bytes
#define _GNU_SOURCE
#include "../harness/job.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { block = 64 * 1024, large = 1 << 20 };

static char buffer[large];

static void write_all(const char* data, size_t size) {
    while (size > 0) {
        const ssize_t written = write(STDOUT_FILENO, data, size);
        if (written < 0) {
            die("local_partner: write", errno);
        }
        data += written;
        size -= (size_t)written;
    }
}

static size_t read_some(void) {
    const ssize_t size = read(STDIN_FILENO, buffer, block);
    if (size < 0) {
        die("local_partner: read", errno);
    }
    return (size_t)size;
}

static void echo(void) {
    for (size_t size = read_some(); size > 0; size = read_some()) {
        write_all(buffer, size);
    }
}

static void source(uint64_t mib) {
    for (uint64_t sent = 0; sent < mib << 20; sent += block) {
        write_all(buffer, block);
    }
}

static void sink(void) {
    while (read_some() > 0) {
    }
}

static void receive(uint64_t port, uint64_t rounds, uint64_t bytes) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) != 0) {
        die("local_partner: connect", errno);
    }
    for (uint64_t i = 0; i < rounds; ++i) {
        if (send(fd, "x", 1, 0) != 1) {
            die("local_partner: send", errno);
        }
        for (uint64_t missing = bytes; missing > 0;) {
            // Kernel: the bytes are dropped without a copy.
            const ssize_t size = recv(fd, buffer, missing < large ? missing : large, MSG_TRUNC);
            if (size <= 0) {
                die("local_partner: recv", size == 0 ? ECONNRESET : errno);
            }
            missing -= (uint64_t)size;
        }
    }
}

int main(int argc, char** argv) {
    const char* const job = argc > 1 ? argv[1] : "";
    if (strcmp(job, "echo") == 0) {
        echo();
    } else if (strcmp(job, "source") == 0) {
        source(number_argument(argc, argv, 2));
    } else if (strcmp(job, "sink") == 0) {
        sink();
    } else {
        receive(number_argument(argc, argv, 2), number_argument(argc, argv, 3),
                number_argument(argc, argv, 4));
    }
}
