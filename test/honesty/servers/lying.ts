/**
 * A WebSocket echo server that lies as it is told, and counts its lies. Raw sockets and frames of its own, so that it can
 * do what no WebSocket library allows. It prints its port as the first line, "busy" after as many messages as it is told,
 * "alone" when its last connection is gone, and its counts as JSON on SIGTERM.
 */
import { createServer, type Socket } from "node:net";
import { parseArgs } from "node:util";
import { closeBody, FIN, headerBytes, maskedFrame, OPCODE, RSV1, writeHeader } from "../../../bench/protocol/frame.js";
import { acceptFor } from "../../../bench/protocol/handshake.js";
import { type ClientFrame, ClientFrameReader } from "./client-frames.js";

/** How it answers the opening handshake; a number refuses with that status. */
type Upgrade = "answer" | "never" | "half" | "wrong-accept" | "unoffered-extension" | number;
/** What it does with a connection once it has echoed `--end-after` messages on it. */
type Ending = "close" | "half-close" | "reset";

export interface Counts {
  /** Opening handshakes answered with 101. */
  handshakes: number;
  /** Data messages read. */
  messages: number;
  dropped: number;
  corrupted: number;
  duplicated: number;
  reordered: number;
  truncated: number;
  misrouted: number;
  wrongOpcode: number;
  /** Messages echoed in more than one frame. */
  fragmented: number;
  /** Data frames that answer nothing. */
  unasked: number;
  /** Connections that it ended, and messages that it read on them from then on. */
  ended: number;
  ignored: number;
  pings: number;
  /** Pongs that carried the ping's payload, and those that did not. */
  rightPongs: number;
  wrongPongs: number;
  /** Client frames that RFC 6455, 5.1 forbids. */
  unmasked: number;
  /** Close frames read, by code. */
  closes: Record<string, number>;
}

const { values } = parseArgs({
  options: {
    upgrade: { type: "string", default: "answer" },
    drop: { type: "string" },
    corrupt: { type: "string" },
    duplicate: { type: "string" },
    reorder: { type: "string" },
    truncate: { type: "string" },
    misroute: { type: "string" },
    "wrong-opcode": { type: "string" },
    unasked: { type: "string" },
    ping: { type: "string" },
    greet: { type: "boolean", default: false },
    "delay-ms": { type: "string" },
    fragments: { type: "string", default: "1" },
    mask: { type: "boolean", default: false },
    mute: { type: "boolean", default: false },
    deaf: { type: "boolean", default: false },
    "no-pong": { type: "boolean", default: false },
    "end-after": { type: "string" },
    ending: { type: "string", default: "close" },
    code: { type: "string", default: "1011" },
    deflate: { type: "boolean", default: false },
    "busy-after": { type: "string" },
  },
});

const UPGRADE = (/^\d+$/.test(values.upgrade) ? Number(values.upgrade) : values.upgrade) as Upgrade;
const ENDING = values.ending as Ending;
const END_AFTER = values["end-after"] === undefined ? Number.POSITIVE_INFINITY : Number(values["end-after"]);
const FRAGMENTS = Number(values.fragments);
const DELAY_MS = values["delay-ms"] === undefined ? 0 : Number(values["delay-ms"]);
/** A message held back for the one after it goes by itself after this time, in order and uncounted. */
const HELD_MS = 100;
const UNASKED = Buffer.from("nobody asked for this");

const counts: Counts = {
  handshakes: 0,
  messages: 0,
  dropped: 0,
  corrupted: 0,
  duplicated: 0,
  reordered: 0,
  truncated: 0,
  misrouted: 0,
  wrongOpcode: 0,
  fragmented: 0,
  unasked: 0,
  ended: 0,
  ignored: 0,
  pings: 0,
  rightPongs: 0,
  wrongPongs: 0,
  unmasked: 0,
  closes: {},
};

/** True for one message in `every`, counted over all connections; never where the fault was not asked for. */
function isTurn(every: string | undefined): boolean {
  return every !== undefined && counts.messages % Number(every) === 0;
}

const connections = new Set<Connection>();

class Connection {
  readonly #socket: Socket;
  readonly #frames = new ClientFrameReader();
  #request: Buffer | null = Buffer.alloc(0);
  #echoed = 0;
  #ended = false;
  #held: { echo: () => void; timer: NodeJS.Timeout } | null = null;
  readonly #pingsUnanswered: Buffer[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#onData(chunk));
    socket.on("error", () => socket.destroy());
    // Half open on purpose: a half close of ours must not end what the client still sends.
    socket.on("end", () => socket.end());
    socket.on("close", () => this.#onGone());
  }

  #onGone(): void {
    if (connections.delete(this) && connections.size === 0) process.stdout.write("alone\n");
  }

  #onData(chunk: Buffer): void {
    if (this.#request === null) {
      for (const frame of this.#frames.push(chunk)) this.#onFrame(frame);
      return;
    }
    this.#request = Buffer.concat([this.#request, chunk]);
    const end = this.#request.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.#request.toString("latin1", 0, end);
    this.#request = null;
    this.#answerHandshake(/^sec-websocket-key: *(\S+)/im.exec(head)?.[1] ?? "");
  }

  #answerHandshake(key: string): void {
    if (UPGRADE === "never") return;
    if (typeof UPGRADE === "number") {
      this.#socket.end(`HTTP/1.1 ${UPGRADE} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    const extension =
      UPGRADE === "unoffered-extension"
        ? "Sec-WebSocket-Extensions: x-nobody-offered\r\n"
        : values.deflate
          ? "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
          : "";
    const answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${acceptFor(UPGRADE === "wrong-accept" ? `${key}x` : key)}\r\n${extension}\r\n`;
    this.#socket.write(UPGRADE === "half" ? answer.slice(0, answer.length / 2) : answer);
    counts.handshakes++;
    connections.add(this);
    if (values.greet) this.#sendUnasked();
    if (values.deaf) this.#socket.pause();
  }

  #onFrame(frame: ClientFrame): void {
    if (frame.key === null) counts.unmasked++;
    if (frame.opcode === OPCODE.close) this.#onClose(frame.payload);
    else if (frame.opcode === OPCODE.pong) this.#onPong(frame.payload);
    else if (frame.opcode === OPCODE.ping) {
      if (!values["no-pong"]) this.send(FIN | OPCODE.pong, frame.payload);
    } else this.#onMessage(frame);
  }

  #onMessage(frame: ClientFrame): void {
    counts.messages++;
    if (counts.messages === Number(values["busy-after"])) process.stdout.write("busy\n");
    if (this.#ended) counts.ignored++;
    else if (this.#echoed >= END_AFTER) {
      counts.ignored++;
      this.#end();
    } else if (!values.mute) {
      this.#echoed++;
      this.#answer(frame);
    }
  }

  /** Faults are asked in turn: a message suffers one at the most, so that the counts add up. */
  #answer({ opcode, rsv1, payload }: ClientFrame): void {
    const first = opcode | (rsv1 ? RSV1 : 0);
    const echo = (bytes = payload, firstBits = first) => this.#later(() => this.#echo(firstBits, bytes));
    const released = this.#held;
    if (isTurn(values.drop)) counts.dropped++;
    else if (isTurn(values.corrupt)) {
      counts.corrupted++;
      echo(corrupt(payload, counts.corrupted, rsv1));
    } else if (isTurn(values.duplicate)) {
      counts.duplicated++;
      echo();
      echo();
    } else if (isTurn(values.truncate)) {
      counts.truncated++;
      echo(payload.subarray(0, payload.length - 1));
    } else if (isTurn(values["wrong-opcode"])) {
      counts.wrongOpcode++;
      echo(payload, first ^ OPCODE.text ^ OPCODE.binary);
    } else if (isTurn(values.misroute) && connections.size > 1) {
      counts.misrouted++;
      this.#otherConnection().send(FIN | first, payload);
    } else if (isTurn(values.reorder) && released === null) {
      this.#hold(echo);
      return;
    } else echo();
    if (released !== null && this.#held === released) {
      counts.reordered++;
      this.#release();
    }
    if (isTurn(values.unasked)) this.#later(() => this.#sendUnasked());
    if (isTurn(values.ping)) this.#ping();
  }

  #hold(echo: () => void): void {
    this.#held = { echo, timer: setTimeout(() => this.#release(), HELD_MS) };
  }

  #release(): void {
    const held = this.#held!;
    clearTimeout(held.timer);
    this.#held = null;
    held.echo();
  }

  #otherConnection(): Connection {
    for (const other of connections) if (other !== this) return other;
    return this;
  }

  #sendUnasked(): void {
    counts.unasked++;
    this.send(FIN | OPCODE.text, UNASKED);
  }

  #ping(): void {
    counts.pings++;
    const payload = Buffer.from(`ping ${counts.pings}`);
    this.#pingsUnanswered.push(payload);
    this.send(FIN | OPCODE.ping, payload);
  }

  #onPong(payload: Buffer): void {
    if (this.#pingsUnanswered.shift()?.equals(payload)) counts.rightPongs++;
    else counts.wrongPongs++;
  }

  #onClose(body: Buffer): void {
    const code = body.length < 2 ? 1005 : body.readUInt16BE();
    counts.closes[code] = (counts.closes[code] ?? 0) + 1;
    if (!this.#ended) this.send(FIN | OPCODE.close, body);
    this.#socket.end();
  }

  #end(): void {
    this.#ended = true;
    counts.ended++;
    if (ENDING === "close") this.send(FIN | OPCODE.close, closeBody(Number(values.code), "enough"));
    else if (ENDING === "half-close") this.#socket.end();
    else this.#socket.resetAndDestroy();
  }

  #later(act: () => void): void {
    if (DELAY_MS === 0) act();
    else setTimeout(act, DELAY_MS);
  }

  #echo(firstBits: number, payload: Buffer): void {
    if (FRAGMENTS === 1) {
      this.send(FIN | firstBits, payload);
      return;
    }
    counts.fragmented++;
    const size = Math.ceil(payload.length / FRAGMENTS);
    for (let i = 0; i < FRAGMENTS; i++) {
      const fin = i === FRAGMENTS - 1 ? FIN : 0;
      this.send(fin | (i === 0 ? firstBits : OPCODE.continuation), payload.subarray(i * size, (i + 1) * size));
    }
  }

  send(firstByte: number, payload: Buffer): void {
    if (!this.#socket.writable) return;
    if (values.mask) {
      this.#socket.write(maskedFrame(firstByte, payload, 0x01020304));
      return;
    }
    const frame = Buffer.allocUnsafe(headerBytes(payload.length) + payload.length);
    payload.copy(frame, writeHeader(frame, 0, firstByte, payload.length, 0));
    this.#socket.write(frame);
  }
}

/** One byte changed, each time another; of a compressed message one in the middle, away from its padding. */
function corrupt(payload: Buffer, turn: number, compressed: boolean): Buffer {
  const copy = Buffer.from(payload);
  const at = compressed ? payload.length >> 1 : (turn * 7_919) % payload.length;
  copy[at]! ^= compressed ? 0xff : 1 + (turn % 255);
  return copy;
}

const server = createServer({ allowHalfOpen: true }, (socket) => new Connection(socket));
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as { port: number };
  process.stdout.write(`${port}\n`);
});
process.once("SIGTERM", () => process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0)));
