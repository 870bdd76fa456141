/* A target that costs next to nothing: replays ready-made answers over HTTP/1.1 on one epoll loop.
 *
 * The answers come on stdin, as many routes as there are:
 *     ROUTE <path prefix> <gap in microseconds> <number of pieces>\n   then for each piece   <length>\n<bytes>
 * A request gets the pieces of the first route whose prefix its path has, one write each, at once or with the gap
 * between them. A run of 18 '@' in a piece becomes CLOCK_MONOTONIC in nanoseconds when it is written.
 * GET /_arrivals gives the arrival times of all POSTs since it was last asked, as native int64 nanoseconds.
 * Prints its port, then serves until it is killed. Fit for benchmarks only: requests are trusted to be well formed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROUTES = 32, IN_SIZE = 16384, STAMP = 18, EVENTS = 512 };

struct piece { char *bytes; size_t size; char *stamp; };
struct connection;
struct route {
    char path[256];
    int64_t gap_ns;
    int count;
    struct piece *pieces;
    struct connection *head, *tail; /* those that wait for their next piece, in order of due */
};
struct connection {
    int fd;
    size_t have;      /* bytes of `in` that are filled */
    size_t skip;      /* bytes of a body still to come */
    struct route *route;
    int piece;        /* next piece to write */
    size_t written;   /* of that piece */
    int64_t due_ns;
    int is_waiting, is_writing, is_gone;
    struct connection *next;
    char *own;        /* an answer made for this request alone */
    size_t own_size, own_written;
    char in[IN_SIZE];
};

static struct route routes[ROUTES];
static int n_routes, poller;
static int64_t *arrivals;
static size_t n_arrivals, room;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what) { perror(what); exit(1); }

static void read_routes(void) {
    long gap_us;
    int count;
    char path[256];
    while (scanf("ROUTE %255s %ld %d\n", path, &gap_us, &count) == 3) {
        if (n_routes == ROUTES) die("too many routes");
        struct route *route = &routes[n_routes++];
        strcpy(route->path, path);
        route->gap_ns = gap_us * 1000;
        route->count = count;
        route->pieces = calloc(count, sizeof(struct piece));
        for (int i = 0; i < count; i++) {
            struct piece *piece = &route->pieces[i];
            if (scanf("%zu", &piece->size) != 1) die("piece");
            getchar();
            piece->bytes = malloc(piece->size + 1);
            if (fread(piece->bytes, 1, piece->size, stdin) != piece->size) die("piece");
            piece->stamp = memmem(piece->bytes, piece->size, "@@@@@@@@@@@@@@@@@@", STAMP);
            getchar();
        }
    }
}

static void watch(struct connection *c, int is_writing) {
    if (c->is_writing == is_writing) return;
    c->is_writing = is_writing;
    struct epoll_event event = {.events = is_writing ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void drop(struct connection *c) {
    if (c->is_gone) return;
    c->is_gone = 1;
    close(c->fd);
    if (!c->is_waiting) { free(c->own); free(c); } /* else freed when its turn comes */
}

/* Writes what may be written now; 0 when the connection is gone. */
static int push(struct connection *c) {
    while (c->own) {
        ssize_t n = send(c->fd, c->own + c->own_written, c->own_size - c->own_written, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) { watch(c, 1); return 1; }
        if (n < 0) { drop(c); return 0; }
        c->own_written += n;
        if (c->own_written == c->own_size) { free(c->own); c->own = NULL; }
    }
    while (c->route && !c->is_waiting) {
        struct route *route = c->route;
        struct piece *piece = &route->pieces[c->piece];
        if (piece->stamp && c->written == 0) {
            char text[STAMP + 1];
            snprintf(text, sizeof text, "%018lld", (long long)now_ns());
            memcpy(piece->stamp, text, STAMP);
        }
        ssize_t n = send(c->fd, piece->bytes + c->written, piece->size - c->written, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) { watch(c, 1); return 1; }
        if (n < 0) { drop(c); return 0; }
        c->written += n;
        if (c->written < piece->size) { watch(c, 1); return 1; }
        c->written = 0;
        if (++c->piece == route->count) { c->route = NULL; break; }
        if (route->gap_ns) {
            c->due_ns += route->gap_ns;
            c->is_waiting = 1;
            c->next = NULL;
            if (route->tail) route->tail->next = c; else route->head = c;
            route->tail = c;
        }
    }
    watch(c, 0);
    return 1;
}

static void give_arrivals(struct connection *c) {
    size_t size = n_arrivals * sizeof *arrivals;
    c->own = malloc(size + 256);
    int head = sprintf(c->own, "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: %zu\r\n\r\n", size);
    memcpy(c->own + head, arrivals, size);
    c->own_size = head + size;
    c->own_written = 0;
    n_arrivals = 0;
}

static void answer(struct connection *c, const char *path, int is_post, int64_t now) {
    if (is_post) {
        if (n_arrivals == room) arrivals = realloc(arrivals, (room = room ? room * 2 : 1 << 16) * sizeof *arrivals);
        arrivals[n_arrivals++] = now;
    } else if (!strncmp(path, "/_arrivals", 10)) {
        give_arrivals(c);
        return;
    }
    for (int i = 0; i < n_routes; i++)
        if (!strncmp(path, routes[i].path, strlen(routes[i].path))) {
            c->route = &routes[i];
            c->piece = 0;
            c->due_ns = now;
            return;
        }
    c->own = strdup("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    c->own_size = strlen(c->own);
    c->own_written = 0;
}

static void serve(struct connection *c) {
    ssize_t n = recv(c->fd, c->in + c->have, IN_SIZE - 1 - c->have, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) { drop(c); return; }
    if (n < 0) return;
    int64_t now = now_ns();
    c->have += n;
    while (c->have) {
        if (c->skip) {
            size_t eaten = c->skip < c->have ? c->skip : c->have;
            memmove(c->in, c->in + eaten, c->have - eaten);
            c->have -= eaten;
            c->skip -= eaten;
            if (c->skip) return;
            if (!push(c)) return; /* the request is whole */
            continue;
        }
        char *end = memmem(c->in, c->have, "\r\n\r\n", 4);
        if (!end) return;
        *end = 0;
        char *length = strcasestr(c->in, "\r\ncontent-length:");
        char *path = strchr(c->in, ' ');
        if (!path) { drop(c); return; }
        answer(c, path + 1, c->in[0] == 'P', now);
        c->skip = length ? strtoul(length + 17, NULL, 10) : 0;
        size_t head = end + 4 - c->in;
        memmove(c->in, c->in + head, c->have - head);
        c->have -= head;
        if (!c->skip && !push(c)) return;
    }
}

/* Writes every piece that is due; returns when the next one is, or -1. */
static int64_t tick(void) {
    int64_t next = -1;
    for (int i = 0; i < n_routes; i++) {
        struct route *route = &routes[i];
        while (route->head && route->head->due_ns <= now_ns()) {
            struct connection *c = route->head;
            route->head = c->next;
            if (!route->head) route->tail = NULL;
            c->is_waiting = 0;
            if (c->is_gone) { free(c->own); free(c); } else push(c);
        }
        if (route->head && (next < 0 || route->head->due_ns < next)) next = route->head->due_ns;
    }
    return next;
}

int main(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    read_routes();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) die("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, ready[EVENTS];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int64_t next = tick(), left = next - now_ns();
        if (left < 0) left = 0;
        struct timespec wait = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
        int n = epoll_pwait2(poller, ready, EVENTS, next < 0 ? NULL : &wait, NULL);
        if (n < 0 && errno != EINTR) die("epoll_pwait2");
        for (int i = 0; i < n; i++) {
            struct connection *c = ready[i].data.ptr;
            if (c) {
                if (ready[i].events & EPOLLOUT) {
                    if (!push(c)) continue;
                }
                if (ready[i].events & ~EPOLLOUT) serve(c);
                continue;
            }
            int fd;
            while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
                int on = 1;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                c = malloc(sizeof *c);
                memset(c, 0, offsetof(struct connection, in));
                c->fd = fd;
                event.events = EPOLLIN;
                event.data.ptr = c;
                epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
            }
        }
    }
}
