// A closed-loop WebSocket load client in C, one thread, epoll: what the generator's cost a message is compared with.
// It measures latency and checks length and the first bytes of each echo, and nothing else.
//
//   epoll-client PORT SERVER_PID CONNECTIONS PAYLOAD_BYTES DEPTH WARMUP_SECONDS SECONDS
//
// It prints one line of JSON: messages, seconds, serverUs and clientUs (CPU microseconds a message), p50Us, p99Us, bad.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGES = 16, MAX_DEPTH = 64, EVENTS = 1024, READ_BYTES = 1 << 18, BUCKETS = 64 * 64 };

struct connection {
  int fd;
  int send_at;     // next message to send, of MESSAGES
  int receive_at;  // next message to come back
  uint64_t missing; // payload bytes of the current echo still to come
  int header_bytes; // bytes of its header already read
  unsigned char header[10];
  uint64_t sent_ns[MAX_DEPTH]; // ring of send times
  int ring;
  char *unsent; // rest of a write that did not fit
  size_t unsent_bytes;
};

static size_t payload_bytes, frame_bytes, echo_header_bytes;
static char *frames; // MESSAGES masked frames end to end, MAX_DEPTH more to run over the end
static unsigned char *payloads;
static uint64_t histogram[BUCKETS];
static long bad;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static double own_cpu_us(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

// utime and stime of /proc/PID/stat, man 5 proc.
static double server_cpu_us(int pid) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (!file) die(path);
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = 0;
  long user, system;
  char *after_name = strrchr(text, ')');
  if (!after_name || sscanf(after_name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system) != 2) die(path);
  return (user + system) * 1e6 / sysconf(_SC_CLK_TCK);
}

static void record(uint64_t ns) {
  if (ns < 64) {
    histogram[ns]++;
    return;
  }
  int exponent = 63 - __builtin_clzll(ns);
  histogram[(exponent - 5) * 64 + ((ns >> (exponent - 6)) & 63)]++;
}

static double percentile_us(double share) {
  uint64_t total = 0, seen = 0;
  for (int i = 0; i < BUCKETS; i++) total += histogram[i];
  for (int i = 0; i < BUCKETS; i++) {
    seen += histogram[i];
    if (total && seen >= total * share) {
      if (i < 64) return i / 1e3;
      int exponent = i / 64 + 5;
      return ((1ull << exponent) + ((uint64_t)(i % 64) << (exponent - 6))) / 1e3;
    }
  }
  return 0;
}

// Masked client frames, RFC 6455, 5.2 and 5.3.
static size_t put_header(unsigned char *out, size_t length, int mask) {
  out[0] = 0x82;
  if (length < 126) {
    out[1] = mask | length;
    return 2;
  }
  if (length < 65536) {
    out[1] = mask | 126, out[2] = length >> 8, out[3] = length;
    return 4;
  }
  out[1] = mask | 127;
  for (int i = 0; i < 8; i++) out[2 + i] = (uint64_t)length >> (56 - 8 * i);
  return 10;
}

static void prepare_frames(void) {
  echo_header_bytes = payload_bytes < 126 ? 2 : payload_bytes < 65536 ? 4 : 10;
  frame_bytes = echo_header_bytes + 4 + payload_bytes;
  frames = malloc(frame_bytes * (MESSAGES + MAX_DEPTH));
  payloads = malloc(payload_bytes * MESSAGES + 4);
  srand(12345);
  for (int m = 0; m < MESSAGES; m++) {
    unsigned char *payload = payloads + m * payload_bytes, *frame = (unsigned char *)frames + m * frame_bytes;
    for (size_t i = 0; i < payload_bytes; i++) payload[i] = rand() >> 7;
    if (payload_bytes) payload[0] = m;
    unsigned char *mask = frame + put_header(frame, payload_bytes, 0x80);
    for (int i = 0; i < 4; i++) mask[i] = 1 + (rand() >> 7) % 255;
    for (size_t i = 0; i < payload_bytes; i++) mask[4 + i] = payload[i] ^ mask[i & 3];
  }
  for (int m = MESSAGES; m < MESSAGES + MAX_DEPTH; m++)
    memcpy(frames + m * frame_bytes, frames + (m % MESSAGES) * frame_bytes, frame_bytes);
}

static void watch(int epoll, struct connection *connection, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(epoll, operation, connection->fd, &event)) die("epoll_ctl");
}

static void open_connection(int epoll, struct connection *connection, int port) {
  static const char request[] =
      "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  char answer[4096];
  size_t length = 0;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  connection->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connection->fd < 0 || connect(connection->fd, (void *)&address, sizeof address)) die("connect");
  int on = 1;
  setsockopt(connection->fd, SOL_TCP, TCP_NODELAY, &on, sizeof on);
  if (write(connection->fd, request, sizeof request - 1) != sizeof request - 1) die("write");
  do {
    ssize_t got = read(connection->fd, answer + length, sizeof answer - 1 - length);
    if (got <= 0) die("handshake");
    answer[length += got] = 0;
  } while (!strstr(answer, "\r\n\r\n"));
  if (strncmp(answer, "HTTP/1.1 101", 12)) {
    fprintf(stderr, "handshake refused: %.80s\n", answer);
    exit(1);
  }
  watch(epoll, connection, EPOLL_CTL_ADD, EPOLLIN);
}

static void flush_unsent(int epoll, struct connection *connection) {
  ssize_t sent = send(connection->fd, connection->unsent, connection->unsent_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) die("send");
  if (sent > 0) connection->unsent += sent, connection->unsent_bytes -= sent;
  watch(epoll, connection, EPOLL_CTL_MOD, EPOLLIN | (connection->unsent_bytes ? EPOLLOUT : 0));
}

// At most DEPTH messages wait at once, so the slice after `unsent` is always the one that follows it in `frames`.
static void send_messages(int epoll, struct connection *connection, int count, uint64_t at_ns) {
  char *slice = frames + connection->send_at * frame_bytes;
  size_t length = count * frame_bytes;
  for (int i = 0; i < count; i++) connection->sent_ns[(connection->ring + i) % MAX_DEPTH] = at_ns;
  connection->ring = (connection->ring + count) % MAX_DEPTH;
  connection->send_at = (connection->send_at + count) % MESSAGES;
  if (connection->unsent_bytes) {
    connection->unsent_bytes += length;
    return;
  }
  ssize_t sent = send(connection->fd, slice, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) die("send");
  if (sent < 0) sent = 0;
  if ((size_t)sent < length) {
    connection->unsent = slice + sent, connection->unsent_bytes = length - sent;
    watch(epoll, connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
  }
}

// Returns how many echoes ended in these bytes.
static int check_echoes(struct connection *connection, const unsigned char *at, const unsigned char *end) {
  int done = 0;
  while (at < end) {
    if (!connection->missing) {
      while (connection->header_bytes < (int)echo_header_bytes && at < end) connection->header[connection->header_bytes++] = *at++;
      if (connection->header_bytes < (int)echo_header_bytes) break;
      unsigned char expected[10];
      put_header(expected, payload_bytes, 0);
      if (memcmp(connection->header, expected, echo_header_bytes)) {
        fprintf(stderr, "an unexpected frame: %02x %02x\n", connection->header[0], connection->header[1]);
        exit(1);
      }
      size_t compared = payload_bytes < 4 ? payload_bytes : 4;
      if ((size_t)(end - at) >= compared && memcmp(at, payloads + connection->receive_at * payload_bytes, compared)) bad++;
      connection->missing = payload_bytes;
      connection->header_bytes = 0;
    }
    size_t taken = (size_t)(end - at) < connection->missing ? (size_t)(end - at) : connection->missing;
    at += taken;
    connection->missing -= taken;
    if (connection->missing) break;
    connection->receive_at = (connection->receive_at + 1) % MESSAGES;
    done++;
  }
  return done;
}

int main(int argc, char **argv) {
  if (argc != 8) {
    fprintf(stderr, "usage: epoll-client PORT SERVER_PID CONNECTIONS PAYLOAD_BYTES DEPTH WARMUP_SECONDS SECONDS\n");
    return 2;
  }
  int port = atoi(argv[1]), pid = atoi(argv[2]), count = atoi(argv[3]), depth = atoi(argv[5]);
  payload_bytes = atol(argv[4]);
  double warmup_seconds = atof(argv[6]), seconds = atof(argv[7]);
  if (count < 1 || payload_bytes < 1 || depth < 1 || depth > MAX_DEPTH / 2) {
    fprintf(stderr, "connections and payload from 1, depth from 1 to %d\n", MAX_DEPTH / 2);
    return 2;
  }
  prepare_frames();
  int epoll = epoll_create1(0);
  struct connection *connections = calloc(count, sizeof *connections);
  unsigned char *buffer = malloc(READ_BYTES);
  for (int i = 0; i < count; i++) {
    connections[i].send_at = connections[i].receive_at = i % MESSAGES;
    open_connection(epoll, &connections[i], port);
  }
  for (int i = 0; i < count; i++) send_messages(epoll, &connections[i], depth, now_ns());

  struct epoll_event events[EVENTS];
  uint64_t begin_ns = now_ns(), window_ns = 0;
  double server_us = 0, client_us = 0;
  long messages = 0;
  for (;;) {
    int ready = epoll_wait(epoll, events, EVENTS, 100);
    for (int i = 0; i < ready; i++) {
      struct connection *connection = events[i].data.ptr;
      if (events[i].events & EPOLLOUT) flush_unsent(epoll, connection);
      if (!(events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) continue;
      ssize_t got = recv(connection->fd, buffer, READ_BYTES, MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0) {
        fprintf(stderr, "a connection ended\n");
        return 1;
      }
      uint64_t at_ns = now_ns();
      int done = check_echoes(connection, buffer, buffer + got);
      if (!done) continue;
      // The ring's oldest entry is `depth` places behind its next.
      for (int k = 0; k < done && window_ns; k++)
        record(at_ns - connection->sent_ns[(connection->ring - depth + k + 2 * MAX_DEPTH) % MAX_DEPTH]);
      messages += done;
      send_messages(epoll, connection, done, at_ns);
    }
    uint64_t at_ns = now_ns();
    if (!window_ns && at_ns - begin_ns >= warmup_seconds * 1e9) {
      window_ns = at_ns, messages = 0, server_us = server_cpu_us(pid), client_us = own_cpu_us();
    } else if (window_ns && at_ns - window_ns >= seconds * 1e9) {
      printf("{\"messages\":%ld,\"seconds\":%.4f,\"serverUs\":%.4f,\"clientUs\":%.4f,\"p50Us\":%.1f,\"p99Us\":%.1f,\"bad\":%ld}\n",
             messages, (at_ns - window_ns) / 1e9, (server_cpu_us(pid) - server_us) / messages,
             (own_cpu_us() - client_us) / messages, percentile_us(0.5), percentile_us(0.99), bad);
      return bad ? 1 : 0;
    }
  }
}
