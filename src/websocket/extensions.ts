/**
 * Which offers of permessage-deflate can be honoured (RFC 7692 7.1). uWebSockets.js takes any offer, also one whose
 * parameters it then does not keep, so the choice is made here.
 *
 * Its shared compressor forgets its window after each message and uses all of 32 KiB in it; its decompressor reads
 * any window. So `server_max_window_bits` cannot be honoured, and every other parameter can.
 */

/** @param header Sec-WebSocket-Extensions of the request (RFC 6455 9.1) */
export function acceptsDeflate(header: string | undefined): boolean {
  return header !== undefined && splitOutsideQuotes(header, ",").some(isHonourableOffer);
}

const ALLOWED_VALUE: ReadonlyMap<string, RegExp> = new Map([
  ["server_no_context_takeover", /^$/],
  ["client_no_context_takeover", /^$/],
  ["client_max_window_bits", /^$|^=(8|9|1[0-5])$|^="(8|9|1[0-5])"$/],
]);

function isHonourableOffer(offer: string): boolean {
  const [name, ...parameters] = splitOutsideQuotes(offer, ";").map((part) => part.trim());
  if (name !== "permessage-deflate") return false;
  const names = new Set<string>();
  for (const parameter of parameters) {
    const [, key, value] = /^([^\s=]*)\s*(.*)$/s.exec(parameter) as unknown as [string, string, string];
    // An unknown parameter, a bad value or a repetition makes the offer one to decline (RFC 7692 7.1).
    if (names.has(key) || ALLOWED_VALUE.get(key)?.test(value) !== true) return false;
    names.add(key);
  }
  return true;
}

function splitOutsideQuotes(text: string, separator: "," | ";"): string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"') isQuoted = !isQuoted;
    if (text[i] !== separator || isQuoted) continue;
    parts.push(text.slice(start, i));
    start = i + 1;
  }
  return [...parts, text.slice(start)];
}
