import { FIN, MASK, RSV1 } from "../../../bench/protocol/frame.js";

/** A frame as a client sent it, RFC 6455, 5.2, its payload unmasked. */
export interface ClientFrame {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
  /** The masking key as sent; null for a frame that was not masked. */
  readonly key: Buffer | null;
}

/** Reads client frames from chunks cut anywhere. */
export class ClientFrameReader {
  #held: Buffer = Buffer.alloc(0);

  /** @returns the frames that are complete with this chunk */
  push(chunk: Buffer): ClientFrame[] {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const frames: ClientFrame[] = [];
    let at = 0;
    for (;;) {
      const read = readFrame(bytes, at);
      if (read === null) break;
      frames.push(read.frame);
      at = read.end;
    }
    this.#held = Buffer.from(bytes.subarray(at));
    return frames;
  }

  /** Bytes of a frame that has begun and not ended. */
  get heldBytes(): number {
    return this.#held.length;
  }
}

function readFrame(bytes: Buffer, from: number): { frame: ClientFrame; end: number } | null {
  if (bytes.length < from + 2) return null;
  const first = bytes[from]!;
  const second = bytes[from + 1]!;
  const form = second & 0x7f;
  const extra = form === 127 ? 8 : form === 126 ? 2 : 0;
  const keyAt = from + 2 + extra;
  const payloadAt = keyAt + (second & MASK ? 4 : 0);
  if (bytes.length < payloadAt) return null;
  const length =
    form === 127 ? Number(bytes.readBigUInt64BE(from + 2)) : form === 126 ? bytes.readUInt16BE(from + 2) : form;
  const end = payloadAt + length;
  if (bytes.length < end) return null;
  const payload = Buffer.from(bytes.subarray(payloadAt, end));
  const key = second & MASK ? Buffer.from(bytes.subarray(keyAt, payloadAt)) : null;
  if (key !== null) for (let i = 0; i < length; i++) payload[i]! ^= key[i & 3]!;
  const frame = { fin: (first & FIN) !== 0, rsv1: (first & RSV1) !== 0, opcode: first & 0x0f, payload, key };
  return { frame, end };
}
