import type { WebSocketBehavior } from "uWebSockets.js-20.51";
import type { Counters } from "../observe/counters.js";
import type { Logger } from "../observe/log.js";
import { CLOSE, type CloseCause } from "./close-codes.js";
import type { Heartbeat } from "./heartbeat.js";
import type { Session, UpgradeData } from "./session.js";

/** Sees each message before it is echoed; a throw closes that connection with 1011. Must not keep the buffer. */
export type MessageObserver = (message: ArrayBuffer, isBinary: boolean) => void;

export interface EchoParts {
  readonly maxMessageBytes: number;
  readonly maxBufferedBytes: number;
  readonly deflateThresholdBytes: number;
  /** Which frames keep a connection open: all, or pings only. */
  readonly heartbeatMode: "idle" | "ping";
  readonly heartbeat: Heartbeat;
  readonly counters: Counters;
  readonly log: Logger;
  readonly onMessage?: MessageObserver | undefined;
}

type EchoHandlers = Required<Pick<WebSocketBehavior<UpgradeData>, "message" | "drain" | "ping" | "pong">>;

export function createEcho(parts: EchoParts): EchoHandlers {
  const { maxMessageBytes, maxBufferedBytes, deflateThresholdBytes, heartbeat, counters, log, onMessage } = parts;
  const everythingCounts = parts.heartbeatMode === "idle";

  function end(session: Session, cause: CloseCause, code: number, reason: string): void {
    session.cause = cause;
    session.end(code, reason);
  }

  /** Ends the connection when the echo may not be queued; the connection gets no later echo then. */
  function mayEcho(session: Session, bytes: number): boolean {
    if (bytes > maxMessageBytes) {
      end(session, "tooBig", CLOSE.messageTooBig, `message of ${bytes} bytes; at most ${maxMessageBytes} are echoed`);
      return false;
    }
    return !isTooSlow(session);
  }

  /** Ends the connection when more waits for its reader than may. */
  function isTooSlow(session: Session): boolean {
    if (session.getBufferedAmount() <= maxBufferedBytes) return false;
    end(session, "slowReader", CLOSE.tryAgainLater, `slow reader; more than ${maxBufferedBytes} bytes waited for it`);
    return true;
  }

  function refuse(bytes: number): void {
    counters.messagesRefused++;
    counters.bytesRefused += bytes;
  }

  return {
    // Per message: one send, five integer additions or stores, no allocation of ours.
    message(socket, message, isBinary) {
      const session = socket as Session;
      const bytes = message.byteLength;
      counters.messagesIn++;
      counters.bytesIn += bytes;
      if (everythingCounts) heartbeat.lastSeenTick[session.slot] = heartbeat.tick;
      try {
        if (onMessage !== undefined) onMessage(message, isBinary);
        if ((session.backlogged || bytes > maxMessageBytes) && !mayEcho(session, bytes)) {
          refuse(bytes);
          return;
        }
        // To ask for compression where it was not negotiated would cost a long message a copy.
        const status = session.send(message, isBinary, session.deflates && bytes >= deflateThresholdBytes);
        if (status === SENT) return;
        session.backlogged = true;
        if (status === DROPPED) {
          refuse(bytes);
          log.error({ bytes, buffered: session.getBufferedAmount() }, "an echo was dropped: connection cut");
          session.cause = "dropped";
          session.close();
        }
      } catch (error) {
        refuse(bytes);
        log.error({ err: error }, "handler failed");
        end(session, "handlerError", CLOSE.internalError, "internal error");
      }
    },

    // Bytes that the peer takes are a sign of life, too: it may be busy with a long echo.
    drain(socket) {
      const session = socket as Session;
      if (everythingCounts) heartbeat.lastSeenTick[session.slot] = heartbeat.tick;
      session.backlogged = session.getBufferedAmount() > 0;
    },

    // uWebSockets.js answers a ping itself, with its own payload (RFC 6455 5.5.3); that answer may have to wait, too.
    ping(socket) {
      const session = socket as Session;
      counters.pingsIn++;
      heartbeat.lastSeenTick[session.slot] = heartbeat.tick;
      isTooSlow(session);
    },

    pong(socket) {
      if (everythingCounts) heartbeat.lastSeenTick[(socket as Session).slot] = heartbeat.tick;
    },
  };
}

/** What `send` returns; 0 means queued. */
const SENT = 1;
const DROPPED = 2;
