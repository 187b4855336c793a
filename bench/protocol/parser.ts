import { FIN, headerBytes, MASK, MAX_CONTROL_PAYLOAD_BYTES, OPCODE, RSV1, RSV2_RSV3 } from "./frame.js";

/** Receives what a parser finds. Payloads are views that are valid only during the call. */
export interface MessageHandler {
  /** A whole data message. */
  onMessage(opcode: number, payload: Buffer, compressed: boolean, frames: number): void;
  /** A ping, pong or close frame. */
  onControl(opcode: number, payload: Buffer): void;
  /** The peer broke the protocol: `reason` says how, with the section. Nothing more is parsed. */
  onViolation(reason: string): void;
}

const EMPTY = Buffer.alloc(0);
/** Frames may be empty, so that a message's length bounds neither their number nor the time they take. */
const MOST_FRAMES = 1 << 20;

/**
 * Reads the frames that a server sends (unmasked, RFC 6455, 5.1) from chunks cut anywhere, and joins fragments (5.4).
 * Interleaved control frames are handed over as they come. A frame that lies whole in its chunk is not copied.
 */
export class MessageParser {
  readonly #handler: MessageHandler;
  readonly #compressionAllowed: boolean;
  readonly #maxMessageBytes: number;
  readonly #header = Buffer.alloc(10);
  #headerFilled = 0;
  #headerNeeded = 2;
  #inPayload = false;
  #payloadNeeded = 0;
  #payloadFilled = 0;
  #payload: Buffer = EMPTY;
  #fragments: Buffer[] = [];
  #fragmentBytes = 0;
  /** Opcode of the message whose fragments are being collected; 0 while there is none. */
  #messageOpcode = 0;
  #messageCompressed = false;
  #frames = 0;
  #broken = false;

  constructor(handler: MessageHandler, options: { compressionAllowed: boolean; maxMessageBytes: number }) {
    this.#handler = handler;
    this.#compressionAllowed = options.compressionAllowed;
    this.#maxMessageBytes = options.maxMessageBytes;
  }

  /** Reads nothing more: what follows a close frame is discarded (RFC 6455, 1.4). */
  stop(): void {
    this.#broken = true;
  }

  /** True between two messages: nothing is buffered, the next byte begins a frame and a message. */
  get atBoundary(): boolean {
    return this.#headerFilled === 0 && !this.#inPayload && this.#messageOpcode === 0;
  }

  /** Reads `chunk[from, to)`. */
  push(chunk: Buffer, from: number, to: number): void {
    let at = from;
    while (!this.#broken) {
      if (!this.#inPayload) {
        if (at >= to) return;
        at = this.#readHeader(chunk, at, to);
        if (!this.#inPayload) continue;
      }
      const missing = this.#payloadNeeded - this.#payloadFilled;
      if (this.#payloadFilled === 0 && to - at >= missing) {
        this.#endFrame(chunk.subarray(at, at + missing), false);
        at += missing;
        continue;
      }
      if (at >= to) return;
      if (this.#payloadFilled === 0) this.#payload = Buffer.allocUnsafe(this.#payloadNeeded);
      const taken = Math.min(missing, to - at);
      chunk.copy(this.#payload, this.#payloadFilled, at, at + taken);
      this.#payloadFilled += taken;
      at += taken;
      if (this.#payloadFilled === this.#payloadNeeded) this.#endFrame(this.#payload, true);
    }
  }

  #readHeader(chunk: Buffer, from: number, to: number): number {
    let at = from;
    while (this.#headerFilled < this.#headerNeeded) {
      if (at >= to) return at;
      this.#header[this.#headerFilled++] = chunk[at++]!;
      if (this.#headerFilled === 2) {
        if (!this.#checkFirstBytes()) return at;
        const form = this.#header[1]! & 0x7f;
        this.#headerNeeded = form === 126 ? 4 : form === 127 ? 10 : 2;
      }
    }
    const form = this.#header[1]! & 0x7f;
    const length =
      form < 126
        ? form
        : form === 126
          ? this.#header.readUInt16BE(2)
          : this.#header.readUInt32BE(2) * 2 ** 32 + this.#header.readUInt32BE(6);
    if (!this.#checkLength(length)) return at;
    this.#headerFilled = 0;
    this.#headerNeeded = 2;
    this.#inPayload = true;
    this.#payloadNeeded = length;
    this.#payloadFilled = 0;
    return at;
  }

  #checkFirstBytes(): boolean {
    const first = this.#header[0]!;
    const second = this.#header[1]!;
    const opcode = first & 0x0f;
    if (second & MASK) return this.#violation("a masked frame from a server (RFC 6455, 5.1)");
    if (first & RSV2_RSV3) return this.#violation("a reserved bit set (RFC 6455, 5.2)");
    if (opcode >= OPCODE.close) {
      if (opcode > OPCODE.pong) return this.#violation(`reserved opcode ${opcode} (RFC 6455, 5.2)`);
      if (!(first & FIN)) return this.#violation("a fragmented control frame (RFC 6455, 5.5)");
      if (first & RSV1) return this.#violation("a compressed control frame (RFC 7692, 6.1)");
      if ((second & 0x7f) > MAX_CONTROL_PAYLOAD_BYTES)
        return this.#violation("a control frame over 125 bytes (RFC 6455, 5.5)");
      return true;
    }
    if (opcode > OPCODE.binary) return this.#violation(`reserved opcode ${opcode} (RFC 6455, 5.2)`);
    if (opcode === OPCODE.continuation) {
      if (this.#messageOpcode === 0) return this.#violation("a continuation with nothing to continue (RFC 6455, 5.4)");
      if (first & RSV1) return this.#violation("RSV1 on a continuation (RFC 7692, 6.1)");
      return true;
    }
    if (this.#messageOpcode !== 0) return this.#violation("a new message inside a fragmented one (RFC 6455, 5.4)");
    if (first & RSV1 && !this.#compressionAllowed)
      return this.#violation("RSV1 without permessage-deflate (RFC 6455, 5.2)");
    return true;
  }

  #checkLength(length: number): boolean {
    // RFC 6455, 5.2: the minimal number of bytes MUST be used to encode the length.
    if (headerBytes(length) !== this.#headerNeeded)
      return this.#violation(`length ${length} in a longer form than needed (RFC 6455, 5.2)`);
    const isControl = (this.#header[0]! & 0x0f) >= OPCODE.close;
    if (!isControl && length + this.#fragmentBytes > this.#maxMessageBytes)
      return this.#violation(`a message of more than ${this.#maxMessageBytes} bytes`);
    return true;
  }

  #violation(reason: string): false {
    this.#broken = true;
    this.#handler.onViolation(reason);
    return false;
  }

  #endFrame(payload: Buffer, owned: boolean): void {
    this.#inPayload = false;
    this.#payload = EMPTY;
    this.#payloadFilled = 0;
    const first = this.#header[0]!;
    const opcode = first & 0x0f;
    if (opcode >= OPCODE.close) {
      this.#handler.onControl(opcode, payload);
      return;
    }
    if (opcode !== OPCODE.continuation) {
      this.#messageCompressed = (first & RSV1) !== 0;
      if (first & FIN) {
        this.#handler.onMessage(opcode, payload, this.#messageCompressed, 1);
        return;
      }
      this.#messageOpcode = opcode;
      this.#frames = 0;
    }
    this.#frames++;
    if (this.#frames > MOST_FRAMES) {
      this.#violation(`a message in more than ${MOST_FRAMES} frames`);
      return;
    }
    if (payload.length > 0) this.#fragments.push(owned ? payload : Buffer.from(payload));
    this.#fragmentBytes += payload.length;
    if (!(first & FIN)) return;
    const message = Buffer.concat(this.#fragments, this.#fragmentBytes);
    const messageOpcode = this.#messageOpcode;
    this.#fragments = [];
    this.#fragmentBytes = 0;
    this.#messageOpcode = 0;
    this.#handler.onMessage(messageOpcode, message, this.#messageCompressed, this.#frames);
  }
}
