/** Frames of RFC 6455, section 5.2, as a client writes and reads them. Bytes only: no socket, no clock. */

/** Opcodes, RFC 6455, 5.2 and 11.8. */
export const OPCODE = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

/** Bits of the first byte, RFC 6455, 5.2. */
export const FIN = 0x80;
/** RSV1 marks a compressed message, RFC 7692, 6. */
export const RSV1 = 0x40;
export const RSV2_RSV3 = 0x30;
/** Bit of the second byte, RFC 6455, 5.2. */
export const MASK = 0x80;

/** Longest payload of a control frame, RFC 6455, 5.5. */
export const MAX_CONTROL_PAYLOAD_BYTES = 125;

/** Bytes of an unmasked frame's header for a payload of that many bytes, in the minimal form that 5.2 demands. */
export function headerBytes(payloadBytes: number): number {
  return payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10;
}

/** Bytes of a masked frame, header, mask and payload. */
export function maskedFrameBytes(payloadBytes: number): number {
  return headerBytes(payloadBytes) + 4 + payloadBytes;
}

/**
 * Writes a frame's header without mask at `at`.
 * @returns the offset after the header
 */
export function writeHeader(
  out: Buffer,
  at: number,
  firstByte: number,
  payloadBytes: number,
  maskBit: 0 | 0x80,
): number {
  out[at] = firstByte;
  if (payloadBytes < 126) {
    out[at + 1] = maskBit | payloadBytes;
    return at + 2;
  }
  if (payloadBytes < 65_536) {
    out[at + 1] = maskBit | 126;
    return out.writeUInt16BE(payloadBytes, at + 2);
  }
  out[at + 1] = maskBit | 127;
  out.writeUInt32BE(Math.floor(payloadBytes / 2 ** 32), at + 2);
  return out.writeUInt32BE(payloadBytes >>> 0, at + 6);
}

/**
 * Writes a masked frame (RFC 6455, 5.3) at `at`.
 * @param maskKey the 4 bytes of the masking key as a 32-bit integer, most significant byte first
 * @returns the offset after the frame
 */
export function writeMaskedFrame(
  out: Buffer,
  at: number,
  firstByte: number,
  payload: Uint8Array,
  maskKey: number,
): number {
  const keyAt = writeHeader(out, at, firstByte, payload.length, MASK);
  out.writeUInt32BE(maskKey >>> 0, keyAt);
  const start = keyAt + 4;
  for (let i = 0; i < payload.length; i++) out[start + i] = payload[i]! ^ out[keyAt + (i & 3)]!;
  return start + payload.length;
}

/** A masked frame of its own, for the rare ones: control frames, probes. */
export function maskedFrame(firstByte: number, payload: Uint8Array, maskKey: number): Buffer {
  const out = Buffer.allocUnsafe(maskedFrameBytes(payload.length));
  writeMaskedFrame(out, 0, firstByte, payload, maskKey);
  return out;
}

/** Body of a close frame, RFC 6455, 5.5.1. */
export function closeBody(code: number, reason = ""): Buffer {
  const text = Buffer.from(reason);
  const body = Buffer.allocUnsafe(2 + text.length);
  body.writeUInt16BE(code);
  text.copy(body, 2);
  return body;
}

/** Code and reason of a close frame's body; 1005 stands for an empty body (RFC 6455, 7.1.5). */
export function readCloseBody(body: Buffer): { code: number; reason: string } {
  return body.length < 2 ? { code: 1005, reason: "" } : { code: body.readUInt16BE(), reason: body.toString("utf8", 2) };
}
