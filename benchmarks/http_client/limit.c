// HTTP in plain C over libcurl's multi interface and epoll, with as few system calls as can be:
//
//   http_limit URL CA get N C          N times GET, C at a time, by handles that stay as they are
//   http_limit URL CA get N C anew     the same, each request set up for itself, with cookies and
//                                      compression, as a client must that does not know what is
//                                      next
//
// CA is the file of the server's certificate; "-" where there is no TLS.
#include "../harness/job.h"

#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>

#define FDS_MAX 4096

static const char *url, *ca;
static int anew;
static CURLM* multi;
static int poller;
static double deadline = -1;  // of libcurl; below 0: none
static uint64_t to_start, running, received;
static unsigned char wanted[FDS_MAX], watched[FDS_MAX];  // CURL_POLL_*
static int changed[FDS_MAX], changes;

static void check(int good, const char* what) {
    if (!good) {
        die(what, errno);
    }
}

static size_t count_body(char* data, size_t size, size_t count, void* unused) {
    (void)data;
    (void)unused;
    received += size * count;
    return size * count;
}

// libcurl stops watching at the end of a transfer and begins again with the next one: the kernel
// hears of what is different when somebody waits.
static int watch(CURL* easy, curl_socket_t fd, int what, void* unused, void* unused_too) {
    (void)easy;
    (void)unused;
    (void)unused_too;
    wanted[fd] = what == CURL_POLL_REMOVE ? 0 : (unsigned char)what;
    if (changes < FDS_MAX) {
        changed[changes++] = fd;
    }
    return 0;
}

static int close_socket(void* unused, curl_socket_t fd) {
    (void)unused;
    wanted[fd] = watched[fd] = 0;  // closed, it is in no poller
    return close(fd);
}

static void tell_kernel(void) {
    for (int i = 0; i < changes; ++i) {
        const int fd = changed[i];
        struct epoll_event event = {.data.fd = fd};
        if (wanted[fd] != watched[fd]) {
            event.events = (wanted[fd] & CURL_POLL_IN ? EPOLLIN : 0) |
                           (wanted[fd] & CURL_POLL_OUT ? EPOLLOUT : 0);
            const int how = watched[fd] == 0  ? EPOLL_CTL_ADD
                            : wanted[fd] == 0 ? EPOLL_CTL_DEL
                                              : EPOLL_CTL_MOD;
            check(epoll_ctl(poller, how, fd, &event) == 0, "epoll_ctl");
            watched[fd] = wanted[fd];
        }
    }
    changes = 0;
}

static int arm(CURLM* unused, long milliseconds, void* unused_too) {
    (void)unused;
    (void)unused_too;
    deadline = milliseconds < 0 ? -1 : seconds(CLOCK_MONOTONIC) + (double)milliseconds / 1000;
    return 0;
}

static int time_left(void) {
    const double left = deadline - seconds(CLOCK_MONOTONIC);
    return deadline < 0 ? -1 : left <= 0 ? 0 : (int)(left * 1000) + 1;
}

static void set_up(CURL* easy) {
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count_body);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    if (strcmp(ca, "-") != 0) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
    }
    if (anew) {
        curl_easy_setopt(easy, CURLOPT_COOKIEFILE, "");
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, count_body);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "GET");
    }
}

static void finish(void) {
    int left = 0;
    for (CURLMsg* message; (message = curl_multi_info_read(multi, &left)) != NULL;) {
        CURL* const easy = message->easy_handle;
        if (message->data.result != CURLE_OK) {
            fprintf(stderr, "%s\n", curl_easy_strerror(message->data.result));
            exit(1);
        }
        curl_multi_remove_handle(multi, easy);
        if (to_start > 0) {
            --to_start;
            if (anew) {
                curl_easy_reset(easy);
                set_up(easy);
            }
            curl_multi_add_handle(multi, easy);
        } else {
            --running;
        }
    }
}

static void run(void) {
    struct epoll_event events[64];
    int still = 0;
    while (running > 0) {
        if (deadline >= 0 && time_left() == 0) {
            deadline = -1;
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &still);
            finish();
            continue;
        }
        tell_kernel();
        const int count = epoll_wait(poller, events, 64, time_left());
        for (int i = 0; i < count; ++i) {
            const int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                             (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                             (events[i].events & EPOLLERR ? CURL_CSELECT_ERR : 0);
            curl_multi_socket_action(multi, events[i].data.fd, what, &still);
        }
        finish();
    }
}

static void get(CURL** easy, uint64_t count, uint64_t at_a_time) {
    running = at_a_time < count ? at_a_time : count;
    to_start = count - running;
    for (uint64_t i = 0; i < running; ++i) {
        curl_multi_add_handle(multi, easy[i]);
    }
    run();
}

int main(int argc, char** argv) {
    const uint64_t count = number_argument(argc, argv, 4);
    const uint64_t at_a_time = number_argument(argc, argv, 5);
    url = argv[1];
    ca = argv[2];
    anew = argc > 6 && strcmp(argv[6], "anew") == 0;
    CURL** const easy = calloc(at_a_time, sizeof(*easy));
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    poller = epoll_create1(EPOLL_CLOEXEC);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, arm);
    for (uint64_t i = 0; i < at_a_time; ++i) {
        easy[i] = curl_easy_init();
        set_up(easy[i]);
    }
    get(easy, at_a_time, at_a_time);  // connects
    received = 0;
    const struct job_clocks clocks = start_clocks();
    get(easy, count, at_a_time);
    print_job(clocks, count, -1);
    return received > 0 ? 0 : 1;
}
