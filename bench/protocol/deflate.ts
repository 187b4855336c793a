import { constants, deflateRawSync, inflateRawSync } from "node:zlib";

/** permessage-deflate, RFC 7692, without context takeover on either side: each message stands for itself. */

/** The offer: RFC 7692, 7.1.1. Both sides forget their window after each message, so any echo can be checked alone. */
export const DEFLATE_OFFER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/** The empty stored block that ends each message and is not sent, RFC 7692, 7.2.1. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
/** The tail and an empty last block (RFC 1951, 3.2.4): a message that was cut off does not come to this end. */
const TAIL_AND_END = Buffer.concat([TAIL, Buffer.from([0x01, 0x00, 0x00, 0xff, 0xff])]);

/**
 * Whether a server's answer accepts what {@link DEFLATE_OFFER} asked for.
 * @param answer value of Sec-WebSocket-Extensions, or null for none
 * @returns null when it does, else the reason
 */
export function deflateRefusal(answer: string | null): string | null {
  if (answer === null) return "permessage-deflate not negotiated";
  const extensions = answer.split(",");
  if (extensions.length !== 1) return "an extension nobody offered";
  const [name, ...parameters] = answer.split(";").map((part) => part.trim().toLowerCase());
  if (name !== "permessage-deflate") return "an extension nobody offered";
  // RFC 7692, 7.1.1.1: a server accepts the offer of server_no_context_takeover by naming it in its answer.
  if (!parameters.includes("server_no_context_takeover")) return "server_no_context_takeover not accepted";
  for (const parameter of parameters) {
    const known = /^(server_no_context_takeover|client_no_context_takeover|server_max_window_bits="?(8|9|1[0-5])"?)$/;
    if (!known.test(parameter)) return `deflate parameter ${parameter} nobody offered`;
  }
  // RFC 7692, 7.1: a parameter given twice, with whatever values, declines the answer.
  const names = parameters.map((parameter) => parameter.split("=")[0]);
  if (new Set(names).size !== names.length) return "a deflate parameter given twice";
  return null;
}

/** A message's payload, compressed for one frame (RFC 7692, 7.2.1). */
export function compressMessage(payload: Uint8Array): Buffer {
  const out = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH });
  return out.subarray(0, out.length - TAIL.length);
}

/**
 * A compressed message's payload (RFC 7692, 7.2.2).
 * @returns null when the bytes are not a deflate stream of at most `maxBytes`
 */
export function decompressMessage(payload: Uint8Array, maxBytes: number): Buffer | null {
  try {
    return inflateRawSync(Buffer.concat([payload, TAIL_AND_END]), { maxOutputLength: Math.max(1, maxBytes) });
  } catch {
    return null;
  }
}
