import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A frame as it came over the wire (RFC 6455 5.2). */
export interface Frame {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

export interface CloseFrame {
  readonly code: number;
  readonly reason: string;
}

export const HANDSHAKE = [
  "GET /ws HTTP/1.1",
  "Host: test",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
] as const;

/** A WebSocket client that knows no rules: the test writes the bytes. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #isOver = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.#received.push(chunk);
      this.#receivedBytes += chunk.length;
      this.#wake();
    });
    socket.on("end", () => this.#over());
    socket.on("close", () => this.#over());
    // A reset ends the connection, too; what was read before it counts.
    socket.on("error", () => this.#over());
  }

  /** A TCP connection; half-open ones stay so until the test ends them. */
  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    await once(socket, "connect");
    return new RawClient(socket);
  }

  /** An open WebSocket, without extensions unless the lines ask for one. */
  static async open(port: number, ...moreLines: string[]): Promise<RawClient> {
    const client = await RawClient.connect(port);
    client.request(...HANDSHAKE, ...moreLines);
    const head = await client.head();
    assert.match(head, /^HTTP\/1\.1 101 /);
    return client;
  }

  /** Writes an HTTP request head. */
  request(...lines: string[]): void {
    this.socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  }

  /** Writes literal bytes. */
  write(hex: string): void {
    this.socket.write(Buffer.from(hex.replaceAll(" ", ""), "hex"));
  }

  /** The head of an HTTP answer, with its empty line. */
  async head(): Promise<string> {
    for (;;) {
      const end = this.#joined().indexOf("\r\n\r\n");
      if (end !== -1) return (await this.read(end + 4)).toString("latin1");
      await this.#more("an HTTP head");
    }
  }

  async read(bytes: number): Promise<Buffer> {
    while (this.#receivedBytes < bytes) await this.#more(`${bytes} bytes`);
    const all = this.#joined();
    this.#received = [all.subarray(bytes)];
    this.#receivedBytes -= bytes;
    return all.subarray(0, bytes);
  }

  async frame(): Promise<Frame> {
    const [first, second] = await this.read(2);
    assert.ok(second < 0x80, "a server's frame must not be masked (RFC 6455 5.1)");
    const length =
      second === 127
        ? Number((await this.read(8)).readBigUInt64BE())
        : second === 126
          ? (await this.read(2)).readUInt16BE()
          : second;
    const payload = await this.read(length);
    return { fin: (first & 0x80) !== 0, rsv1: (first & 0x40) !== 0, opcode: first & 0x0f, payload };
  }

  /** The next frame, which must be a close frame. */
  async closeFrame(): Promise<CloseFrame> {
    const { opcode, payload } = await this.frame();
    assert.equal(opcode, 8, `a close frame was due, not ${payload.subarray(0, 40).toString("hex")}`);
    return closeFrameOf(payload);
  }

  /** Waits for the end of the connection; what came before it and was not read. */
  async end(): Promise<Buffer> {
    while (!this.#isOver) await this.#change();
    return this.#joined();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #joined(): Buffer {
    if (this.#received.length !== 1) this.#received = [Buffer.concat(this.#received)];
    return this.#received[0];
  }

  async #more(wanted: string): Promise<void> {
    if (this.#isOver) {
      const rest = this.#joined();
      throw new Error(`the connection ended before ${wanted}; left: ${rest.subarray(0, 60).toString("hex")}`);
    }
    await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #over(): void {
    this.#isOver = true;
    this.#wake();
  }
}

export function closeFrameOf(payload: Buffer): CloseFrame {
  return { code: payload.length < 2 ? 1005 : payload.readUInt16BE(0), reason: payload.toString("utf8", 2) };
}

/** A client's frame (RFC 6455 5.2), masked with 37 fa 21 3d as in the examples of 5.7. */
export function maskedFrame(firstByte: number, payload: Uint8Array): Buffer {
  const mask = [0x37, 0xfa, 0x21, 0x3d];
  const { length } = payload;
  const header =
    length < 126 ? [0x80 | length] : length < 65_536 ? [0xfe, length >> 8, length & 0xff] : [0xff, ...uint64(length)];
  const frame = Buffer.alloc(1 + header.length + 4 + length);
  frame.set([firstByte, ...header, ...mask]);
  const start = 1 + header.length + 4;
  for (let i = 0; i < length; i++) frame[start + i] = payload[i] ^ mask[i & 3];
  return frame;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
