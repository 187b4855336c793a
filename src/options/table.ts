import { defineOptions, type OptionValues } from "../../cli/options.js";

/** What the server itself can be told, from the command line or from code. */
export const serverOptions = defineOptions({
  port: {
    flag: "port",
    kind: "integer",
    default: 6666,
    max: 65_535,
    group: "Listening",
    description: "Port of the endpoint; 0 takes any free one.",
  },
  browserPort: {
    flag: "browser-port",
    kind: "integer",
    default: 8666,
    max: 65_535,
    words: ["off"],
    group: "Listening",
    description: "Second port for browsers, which refuse 6666; 0 takes any free one.",
  },
  host: {
    flag: "host",
    kind: "string",
    group: "Listening",
    description: "Address or name to listen on; without it, all addresses.",
    allowed: "an address or a host name of this machine",
  },
  maxMessageBytes: {
    flag: "max-message",
    kind: "bytes",
    default: 16 * 2 ** 20,
    min: 1,
    max: 256 * 2 ** 20,
    group: "Messages",
    description:
      "Longest message that is echoed, counted after inflating; a longer one is answered with close code 1009.",
    danger: "a client can make the server hold twice this much before a message is complete.",
  },
  maxBufferedBytes: {
    flag: "max-buffered",
    kind: "bytes",
    default: 16 * 2 ** 20,
    min: 1024,
    max: 2 ** 30,
    group: "Messages",
    description:
      "Bytes that may wait for a slow reader, a connection; when more than that wait, the next message closes it with 1013.",
    danger: "each slow reader can cost this much memory, and one message more.",
  },
  deflate: {
    flag: "deflate",
    kind: "boolean",
    default: true,
    group: "Messages",
    description: "Offer permessage-deflate (RFC 7692).",
  },
  deflateThresholdBytes: {
    flag: "deflate-threshold",
    kind: "bytes",
    default: 512,
    group: "Messages",
    description: "Echoes shorter than this are sent uncompressed, also where deflate was negotiated.",
  },
  heartbeat: {
    flag: "heartbeat",
    kind: "choice",
    choices: ["idle", "ping"],
    default: "idle",
    group: "Heartbeat",
    description:
      "What keeps a connection open. idle: anything it sends, and the server pings it in time. ping: only its own pings, and the server never pings.",
  },
  idleTimeoutMs: {
    flag: "idle-timeout",
    kind: "duration",
    default: 15_000,
    min: 200,
    max: 900_000,
    group: "Heartbeat",
    description: "A connection without a sign of life for this long is closed with 1001.",
    danger: "a frame that takes longer than this to arrive is no sign of life before its end.",
  },
  drainDelayMs: {
    flag: "drain-delay",
    kind: "duration",
    default: 0,
    max: 3_600_000,
    group: "Shutdown",
    description:
      "Time from the signal, when /readyz turns 503, until listening stops: what a load balancer needs to notice.",
  },
  drainWindowMs: {
    flag: "drain-window",
    kind: "duration",
    default: 1_000,
    max: 3_600_000,
    group: "Shutdown",
    description: "The clients' 1001 are spread over this time, so that they do not all come back at once.",
  },
  drainDeadlineMs: {
    flag: "drain-deadline",
    kind: "duration",
    default: 10_000,
    min: 100,
    max: 7_200_000,
    group: "Shutdown",
    description: "Time from the signal after which connections that are still open are cut.",
  },
});

/** What `echolot serve` can be told. */
export const serveOptions = defineOptions({
  ...serverOptions,
  logLevel: {
    flag: "log-level",
    kind: "choice",
    choices: ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    default: "info",
    group: "Logs",
    description: "Least severe level that is logged; debug shows each connection. No payload is ever logged.",
  },
});

export type ServerOptions = OptionValues<typeof serverOptions>;
