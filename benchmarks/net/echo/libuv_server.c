// The echo server on libuv: one buffer for all connections, uv_try_write at once, and uv_write with
// a copy only for what the socket does not take; until that is gone the connection is not read
// from.
#include "server.h"

#include <netinet/in.h>
#include <uv.h>

static uv_loop_t loop;
static char buffer[65536];

/// An uv_write under way; its data follows.
struct rest {
    uv_write_t request;
    char data[];
};

static void check(int result, const char* what) {
    if (result < 0) {
        fprintf(stderr, "libuv_server: %s: %s\n", what, uv_strerror(result));
        exit(1);
    }
}

static void on_closed(uv_handle_t* connection) { free(connection); }

static void drop(uv_stream_t* connection) {
    if (!uv_is_closing((uv_handle_t*)connection)) {
        uv_close((uv_handle_t*)connection, on_closed);
    }
}

static void on_allocate(uv_handle_t* connection, size_t suggested, uv_buf_t* target) {
    (void)connection;
    (void)suggested;
    target->base = buffer;
    target->len = sizeof buffer;
}

static void on_read(uv_stream_t* connection, ssize_t received, const uv_buf_t* target);

static void on_written(uv_write_t* request, int status) {
    uv_stream_t* connection = request->handle;
    free(request);
    if (status < 0) {
        drop(connection);
    } else {
        uv_read_start(connection, on_allocate, on_read);
    }
}

static void write_rest(uv_stream_t* connection, const char* data, size_t length) {
    struct rest* rest = malloc(sizeof *rest + length);
    if (rest == NULL) {
        check(UV_ENOMEM, "malloc");
        return;
    }
    memcpy(rest->data, data, length);
    uv_buf_t piece = uv_buf_init(rest->data, (unsigned)length);
    uv_read_stop(connection);
    if (uv_write(&rest->request, connection, &piece, 1, on_written) < 0) {
        free(rest);
        drop(connection);
    }
}

static void on_read(uv_stream_t* connection, ssize_t received, const uv_buf_t* target) {
    if (received < 0) {
        drop(connection);
        return;
    }
    if (received == 0) {
        return;  // EAGAIN
    }
    uv_buf_t piece = uv_buf_init(target->base, (unsigned)received);
    int sent = uv_try_write(connection, &piece, 1);
    if (sent == received) {
        return;
    }
    if (sent < 0 && sent != UV_EAGAIN) {
        drop(connection);
        return;
    }
    size_t taken = sent > 0 ? (size_t)sent : 0;
    write_rest(connection, target->base + taken, (size_t)received - taken);
}

static void on_connection(uv_stream_t* listener, int status) {
    uv_tcp_t* connection = malloc(sizeof *connection);
    check(status, "accept");
    if (connection == NULL) {
        check(UV_ENOMEM, "malloc");
    }
    check(uv_tcp_init(&loop, connection), "uv_tcp_init");
    if (uv_accept(listener, (uv_stream_t*)connection) < 0) {
        drop((uv_stream_t*)connection);
        return;
    }
    uv_tcp_nodelay(connection, 1);
    uv_read_start((uv_stream_t*)connection, on_allocate, on_read);
}

int main(int argc, char** argv) {
    struct server_options options = read_options(argc, argv);
    struct sockaddr_in address;
    int length = sizeof address;
    uv_tcp_t listener;
    allow_descriptors();
    check(uv_loop_init(&loop), "uv_loop_init");
    check(uv_tcp_init(&loop, &listener), "uv_tcp_init");
    check(uv_ip4_addr("127.0.0.1", options.port, &address), "uv_ip4_addr");
    check(uv_tcp_bind(&listener, (const struct sockaddr*)&address, 0), "uv_tcp_bind");
    check(uv_listen((uv_stream_t*)&listener, server_backlog, on_connection), "uv_listen");
    check(uv_tcp_getsockname(&listener, (struct sockaddr*)&address, &length), "getsockname");
    say_listening(ntohs(address.sin_port));
    return uv_run(&loop, UV_RUN_DEFAULT);
}
