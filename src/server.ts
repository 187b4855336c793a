import type { HttpRequest, HttpResponse, us_socket_context_t } from "uWebSockets.js-20.51";
import { EcholotError } from "../cli/errors.js";
import { answer, readHeaders } from "./http/answer.js";
import { addHttpRoutes } from "./http/routes.js";
import { type ListenSocket, listen } from "./listen.js";
import { type LoadedNative, loadNative } from "./native.js";
import { Counters, type ServerStats, snapshot } from "./observe/counters.js";
import { type Logger, silentLog } from "./observe/log.js";
import type { ServerOptions } from "./options/table.js";
import { drain } from "./shutdown.js";
import { CLOSE } from "./websocket/close-codes.js";
import { createEcho, type MessageObserver } from "./websocket/echo.js";
import { acceptsDeflate } from "./websocket/extensions.js";
import { Heartbeat } from "./websocket/heartbeat.js";
import { nativeLimits } from "./websocket/limits.js";
import { type Session, Sessions, type UpgradeData } from "./websocket/session.js";
import { BAD_KEY, refuseHandshake } from "./websocket/upgrade.js";

export interface Addresses {
  readonly port: number;
  /** Absent when the browser port is off. */
  readonly browserPort?: number;
}

export interface ServerParts {
  readonly log?: Logger | undefined;
  readonly onMessage?: MessageObserver | undefined;
}

/** One echo server on one event loop. */
export class EchoServer {
  /** Version of the uWebSockets.js package in use. */
  readonly nativeVersion: string;
  readonly #options: ServerOptions;
  readonly #log: Logger;
  readonly #native: LoadedNative;
  readonly #counters = new Counters();
  readonly #sessions = new Sessions();
  readonly #heartbeat: Heartbeat;
  readonly #app;
  #state: "new" | "ready" | "draining" | "closed" = "new";
  #listening: ListenSocket[] = [];
  #clock: NodeJS.Timeout | undefined;
  #draining: Promise<void> | undefined;

  /** @throws EcholotError NATIVE_UNAVAILABLE, OPTION_CONFLICT */
  constructor(options: ServerOptions, { log = silentLog(), onMessage }: ServerParts) {
    refuseConflicts(options);
    this.#options = options;
    this.#log = log;
    this.#native = loadNative();
    this.nativeVersion = this.#native.version;
    this.#heartbeat = new Heartbeat(
      {
        timeoutMs: options.idleTimeoutMs,
        // A third of the time-out is left for the answer.
        ...(options.heartbeat === "idle" && { pingAfterMs: (options.idleTimeoutMs * 2) / 3 }),
      },
      { ping: (slot) => this.#ping(slot), expire: (slot) => this.#expire(slot) },
      performance.now(),
    );
    this.#app = this.#assemble(onMessage);
  }

  /**
   * Listens.
   * @returns the actual ports
   * @throws EcholotError PORT_IN_USE or LISTEN_FAILED; then nothing is left open
   */
  async start(): Promise<Addresses> {
    if (this.#state !== "new") throw new Error(`the server is ${this.#state}; start() works once`);
    const { host, port, browserPort } = this.#options;
    const { uws } = this.#native;
    try {
      const main = await listen(uws, this.#app, { host, port, flag: "port" });
      this.#listening.push(main);
      if (browserPort !== "off") {
        this.#listening.push(await listen(uws, this.#app, { host, port: browserPort, flag: "browser-port" }));
      }
    } catch (error) {
      this.close();
      throw error;
    }
    const expireDue = () => this.#heartbeat.expireDue();
    this.#clock = setInterval(() => {
      this.#heartbeat.advance(performance.now());
      // After the poll phase: what a peer sent while this process was busy is read first.
      setImmediate(expireDue);
    }, this.#heartbeat.tickMs);
    this.#state = "ready";
    const [main, browser] = this.#listening;
    return browser === undefined ? { port: main.port } : { port: main.port, browserPort: browser.port };
  }

  /**
   * Says goodbye: not ready, then no longer listening, then a 1001 for every client. Resolves when all were told;
   * their closing handshakes may still run, until the deadline cuts them.
   */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Cuts everything at once: no close frames. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearInterval(this.#clock);
    this.#stopListening();
    this.#app.close();
  }

  stats(): ServerStats {
    return snapshot(this.#counters);
  }

  async #drain(): Promise<void> {
    await drain(
      {
        stopBeingReady: () => {
          if (this.#state === "ready") this.#state = "draining";
        },
        stopListening: () => this.#stopListening(),
        connections: () => this.#sessions.slots(),
        sayGoodbye: (slot) => this.#end(slot, "drain", "server is shutting down"),
        cut: () => {
          if (this.#counters.connectionsOpen > 0) {
            this.#log.warn({ connections: this.#counters.connectionsOpen }, "drain deadline: connections cut");
          }
          this.close();
        },
      },
      this.#options,
    );
    clearInterval(this.#clock);
  }

  #assemble(onMessage: MessageObserver | undefined) {
    const { uws } = this.#native;
    const options = this.#options;
    const app = uws.App();
    app.ws<UpgradeData>("/ws", {
      ...nativeLimits(options),
      ...createEcho({
        ...options,
        heartbeatMode: options.heartbeat,
        heartbeat: this.#heartbeat,
        counters: this.#counters,
        log: this.#log,
        onMessage,
      }),
      compression: options.deflate ? uws.SHARED_COMPRESSOR | uws.SHARED_DECOMPRESSOR : uws.DISABLED,
      closeOnBackpressureLimit: false,
      sendPingsAutomatically: false,
      upgrade: (response, request, context) => this.#upgrade(response, request, context),
      open: (socket) => this.#open(this.#sessions.open(socket, this.#heartbeat.add())),
      close: (socket, code, reason) => this.#closed(socket as Session, code, reason),
    });
    // uWebSockets.js passes on what has no key of 24 characters, and every method but GET.
    app.any("/ws", (response, request) => this.#upgrade(response, request, undefined));
    addHttpRoutes(app, () => this.#state === "ready");
    return app;
  }

  #upgrade(response: HttpResponse, request: HttpRequest, context: us_socket_context_t | undefined): void {
    const method = request.getMethod();
    const headers = readHeaders(request);
    const refusal =
      this.#state === "ready"
        ? refuseHandshake({ method, headers })
        : { status: "503 Service Unavailable", body: "draining\n" };
    if (refusal !== undefined || context === undefined) {
      this.#counters.handshakesRefused++;
      answer(response, method, refusal ?? BAD_KEY);
      return;
    }
    // An empty subprotocol selects none (RFC 6455 4.2.2, item 5): the endpoint speaks none of the offered ones.
    const key = headers.get("sec-websocket-key") ?? "";
    const deflates = this.#options.deflate && acceptsDeflate(headers.get("sec-websocket-extensions"));
    const data: UpgradeData = { deflates };
    response.upgrade(data, key, "", deflates ? "permessage-deflate" : "", context);
  }

  #open(session: Session): void {
    this.#counters.connectionsOpened++;
    this.#counters.connectionsOpen++;
    if (this.#log.isLevelEnabled("debug")) {
      const peer = Buffer.from(session.getRemoteAddressAsText()).toString();
      this.#log.debug({ slot: session.slot, peer }, "connection opened");
    }
  }

  #closed(session: Session, code: number, reason: ArrayBuffer): void {
    const cause = session.cause === "peer" && code === ABNORMAL ? "abnormal" : session.cause;
    this.#counters.connectionsOpen--;
    this.#counters.closed[cause]++;
    this.#sessions.close(session);
    this.#heartbeat.remove(session.slot);
    if (this.#log.isLevelEnabled("debug")) {
      // The reason of a peer's own close frame is its payload, which is never logged.
      const why = cause === "peer" ? undefined : Buffer.from(reason).toString();
      this.#log.debug({ slot: session.slot, cause, code, why }, "connection closed");
    }
  }

  #ping(slot: number): void {
    this.#counters.pingsOut++;
    this.#sessions.at(slot)?.ping();
  }

  #expire(slot: number): void {
    const seconds = this.#options.idleTimeoutMs / 1000;
    this.#end(slot, "idle", this.#options.heartbeat === "ping" ? `no ping for ${seconds} s` : `idle for ${seconds} s`);
  }

  #end(slot: number, cause: "idle" | "drain", reason: string): void {
    const session = this.#sessions.at(slot);
    if (session === undefined) return;
    session.cause = cause;
    session.end(CLOSE.goingAway, reason);
  }

  #stopListening(): void {
    for (const socket of this.#listening) socket.close();
    this.#listening = [];
  }
}

/** What uWebSockets.js reports when there was no close frame (RFC 6455 7.1.5). */
const ABNORMAL = 1006;

function refuseConflicts({ port, browserPort, drainDelayMs, drainWindowMs, drainDeadlineMs }: ServerOptions): void {
  if (port !== 0 && port === browserPort) {
    throw new EcholotError(
      "OPTION_CONFLICT",
      `--port and --browser-port are both ${port}`,
      "Give them different ports, or turn the second off with --browser-port off.",
    );
  }
  if (drainDelayMs + drainWindowMs > drainDeadlineMs) {
    throw new EcholotError(
      "OPTION_CONFLICT",
      `--drain-delay (${drainDelayMs} ms) and --drain-window (${drainWindowMs} ms) go beyond --drain-deadline (${drainDeadlineMs} ms)`,
      "Raise --drain-deadline, or shorten the others.",
    );
  }
}
