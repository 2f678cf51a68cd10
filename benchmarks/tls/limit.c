// TLS in plain C, both ends in one thread over loopback, OpenSSL on the sockets themselves:
//
//   tls_limit CERTIFICATE KEY handshake N     full handshakes of TLS 1.3, each on a new connection
//   tls_limit CERTIFICATE KEY resumed N       the same with the ticket of the one before
//   tls_limit CERTIFICATE KEY bulk N SIZE     N MiB through one connection, SIZE bytes a write
//
// The two ends take turns: what one has sent is there when the other looks, so nobody polls.
#define _GNU_SOURCE
#include "../harness/job.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

static SSL_CTX* server_context;
static SSL_CTX* client_context;
static int listener;
static struct sockaddr_in address;
static SSL_SESSION* ticket;

static void check(int good, const char* what) {
    if (!good) {
        ERR_print_errors_fp(stderr);
        die(what, errno);
    }
}

static int keep_ticket(SSL* ssl, SSL_SESSION* session) {
    (void)ssl;
    SSL_SESSION_free(ticket);
    ticket = session;
    return 1;
}

static void make_contexts(const char* certificate, const char* key) {
    server_context = SSL_CTX_new(TLS_server_method());
    client_context = SSL_CTX_new(TLS_client_method());
    check(SSL_CTX_use_certificate_chain_file(server_context, certificate) == 1, certificate);
    check(SSL_CTX_use_PrivateKey_file(server_context, key, SSL_FILETYPE_PEM) == 1, key);
    check(SSL_CTX_load_verify_file(client_context, certificate) == 1, certificate);
    SSL_CTX_set_verify(client_context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_num_tickets(server_context, 0);
    SSL_CTX_set_session_cache_mode(client_context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client_context, keep_ticket);
}

static void listen_somewhere(void) {
    socklen_t size = sizeof(address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(bind(listener, (struct sockaddr*)&address, sizeof(address)) == 0, "bind");
    check(listen(listener, 100) == 0, "listen");
    getsockname(listener, (struct sockaddr*)&address, &size);
}

struct pair {
    int client_fd, server_fd;
    SSL *client, *server;
};

static SSL* on(SSL_CTX* context, int fd) {
    const int on = 1;
    SSL* ssl = SSL_new(context);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    SSL_set_fd(ssl, fd);
    SSL_set_read_ahead(ssl, 1);  // a call per record, not two
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return ssl;
}

static struct pair shake_hands(int resume) {
    struct pair pair;
    int client = 0, server = 0;
    pair.client_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(connect(pair.client_fd, (struct sockaddr*)&address, sizeof(address)) == 0, "connect");
    pair.server_fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    pair.client = on(client_context, pair.client_fd);
    pair.server = on(server_context, pair.server_fd);
    SSL_set_connect_state(pair.client);
    SSL_set_accept_state(pair.server);
    SSL_set1_host(pair.client, "localhost");
    SSL_set_tlsext_host_name(pair.client, "localhost");
    if (resume && ticket != NULL) {
        SSL_set_session(pair.client, ticket);
    }
    while (client != 1 || server != 1) {
        client = SSL_do_handshake(pair.client);
        check(client == 1 || SSL_get_error(pair.client, client) == SSL_ERROR_WANT_READ, "client");
        server = SSL_do_handshake(pair.server);
        check(server == 1 || SSL_get_error(pair.server, server) == SSL_ERROR_WANT_READ, "server");
    }
    return pair;
}

static void end(struct pair* pair) {
    SSL_free(pair->client);
    SSL_free(pair->server);
    close(pair->client_fd);
    close(pair->server_fd);
}

static void one_handshake(int resume) {
    struct pair pair = shake_hands(resume);
    if (resume) {
        char byte = 'x';
        SSL_new_session_ticket(pair.server);
        check(SSL_write(pair.server, &byte, 1) == 1, "write");
        check(SSL_read(pair.client, &byte, 1) == 1, "read");
    }
    end(&pair);
}

static void bulk(uint64_t mebibytes, size_t size) {
    struct pair pair = shake_hands(0);
    char* out = calloc(1, size);
    char* in = malloc(256 * 1024);
    const uint64_t total = mebibytes << 20;
    uint64_t sent = 0, received = 0;
    const struct job_clocks clocks = start_clocks();
    while (received < total) {
        while (sent < total) {
            const int n = SSL_write(pair.client, out + sent % size, (int)(size - sent % size));
            if (n <= 0) {
                check(SSL_get_error(pair.client, n) == SSL_ERROR_WANT_WRITE, "write");
                break;
            }
            sent += (uint64_t)n;
        }
        for (;;) {
            const int n = SSL_read(pair.server, in, 256 * 1024);
            if (n <= 0) {
                check(SSL_get_error(pair.server, n) == SSL_ERROR_WANT_READ, "read");
                break;
            }
            received += (uint64_t)n;
        }
    }
    print_job(clocks, mebibytes, -1);
    end(&pair);
}

int main(int argc, char** argv) {
    const uint64_t count = number_argument(argc, argv, 4);
    make_contexts(argv[1], argv[2]);
    listen_somewhere();
    if (strcmp(argv[3], "bulk") == 0) {
        bulk(count, number_argument(argc, argv, 5));
        return 0;
    }
    const int resume = strcmp(argv[3], "resumed") == 0;
    one_handshake(resume);
    const struct job_clocks clocks = start_clocks();
    for (uint64_t i = 0; i < count; ++i) {
        one_handshake(resume);
    }
    print_job(clocks, count, -1);
    return 0;
}
