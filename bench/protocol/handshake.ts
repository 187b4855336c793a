import { createHash } from "node:crypto";

/** The opening handshake of RFC 6455, section 4.1, from the client's side. */

/** RFC 6455, 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** A response that has not ended by then is not one. */
const MAX_RESPONSE_BYTES = 64 * 1024;
const HEADER_END = "\r\n\r\n";

/** Sec-WebSocket-Accept for a key, RFC 6455, 4.2.2, item 5.4. */
export function acceptFor(key: string): string {
  return createHash("sha1")
    .update(key + GUID)
    .digest("base64");
}

export interface HandshakeRequest {
  /** `host:port` as it goes into the Host header. */
  authority: string;
  /** Path and query. */
  resource: string;
  /** Sec-WebSocket-Key: base64 of 16 bytes. */
  key: string;
  /** Value of Sec-WebSocket-Extensions, or undefined for none. */
  extensions?: string | undefined;
}

/** The request's bytes, RFC 6455, 4.1. */
export function handshakeRequest(request: HandshakeRequest): Buffer {
  const extensions = request.extensions === undefined ? "" : `Sec-WebSocket-Extensions: ${request.extensions}\r\n`;
  return Buffer.from(
    `GET ${request.resource} HTTP/1.1\r\nHost: ${request.authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${request.key}\r\nSec-WebSocket-Version: 13\r\n${extensions}\r\n`,
    "latin1",
  );
}

export type HandshakeOutcome =
  /** More bytes are needed. */
  | { kind: "incomplete" }
  /** The server may speak frames from `consumedBytes` on. */
  | { kind: "accepted"; extensions: string | null; consumedBytes: number }
  /** The client MUST fail the connection (RFC 6455, 4.1): a short reason to group by. */
  | { kind: "refused"; reason: string };

/**
 * Judges a server's response by the list at the end of RFC 6455, 4.1.
 * @param response the bytes received so far, from the first
 * @param accept   the Sec-WebSocket-Accept that the key asks for
 */
export function readHandshakeResponse(response: Buffer, accept: string): HandshakeOutcome {
  const end = response.indexOf(HEADER_END, 0, "latin1");
  if (end < 0) {
    if (response.length >= 5 && !response.toString("latin1", 0, 5).startsWith("HTTP/"))
      return { kind: "refused", reason: "not HTTP" };
    return response.length > MAX_RESPONSE_BYTES
      ? { kind: "refused", reason: "endless response header" }
      : { kind: "incomplete" };
  }
  const [statusLine = "", ...lines] = response.toString("latin1", 0, end).split("\r\n");
  const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(statusLine)?.[1];
  if (status === undefined) return { kind: "refused", reason: "not HTTP/1.1" };
  if (status !== "101") return { kind: "refused", reason: `status ${status}` };
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) return { kind: "refused", reason: "malformed response header" };
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  if (headers.get("upgrade")?.toLowerCase() !== "websocket")
    return { kind: "refused", reason: "no Upgrade: websocket" };
  const connection = headers.get("connection")?.toLowerCase().split(",");
  if (!connection?.some((token) => token.trim() === "upgrade"))
    return { kind: "refused", reason: "no Connection: Upgrade" };
  if (headers.get("sec-websocket-accept") !== accept) return { kind: "refused", reason: "wrong Sec-WebSocket-Accept" };
  if (headers.has("sec-websocket-protocol")) return { kind: "refused", reason: "a subprotocol nobody offered" };
  return {
    kind: "accepted",
    extensions: headers.get("sec-websocket-extensions") ?? null,
    consumedBytes: end + HEADER_END.length,
  };
}
