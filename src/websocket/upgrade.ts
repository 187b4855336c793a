/** The server's side of the opening handshake: RFC 6455 4.2.1. */
export interface HandshakeRequest {
  /** Lower case, as uWebSockets.js gives it. */
  readonly method: string;
  /** Lower-case names; a header that came more than once has its values joined with ", " (RFC 9110 5.2). */
  readonly headers: ReadonlyMap<string, string>;
}

export interface HandshakeRefusal {
  readonly status: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

const VERSION_HEADER = ["Sec-WebSocket-Version", "13"] as const;
/** A 426 must name the protocol to upgrade to (RFC 9110 15.5.22). */
const UPGRADE_HEADERS = [["Upgrade", "websocket"], VERSION_HEADER] as const;

/** Why the request must not be upgraded; undefined when it may. */
export function refuseHandshake(request: HandshakeRequest): HandshakeRefusal | undefined {
  if (request.method !== "get") {
    return refusal("405 Method Not Allowed", "A WebSocket handshake is a GET.", [["Allow", "GET"]]);
  }
  if (!hasToken(request.headers.get("upgrade"), "websocket")) {
    const host = request.headers.get("host") || "this-host";
    return refusal(
      "426 Upgrade Required",
      `This is a WebSocket echo endpoint. Open it with a WebSocket client, such as: websocat ws://${host}/ws`,
      UPGRADE_HEADERS,
    );
  }
  if (!hasToken(request.headers.get("connection"), "upgrade")) {
    return refusal("400 Bad Request", 'The Connection header lacks the token "Upgrade".');
  }
  const version = request.headers.get("sec-websocket-version");
  if (version !== "13") {
    const given =
      version === undefined ? "No Sec-WebSocket-Version was given" : "This Sec-WebSocket-Version is unknown";
    return refusal("426 Upgrade Required", `${given}; it must be 13.`, UPGRADE_HEADERS);
  }
  const key = request.headers.get("sec-websocket-key");
  return key !== undefined && isKey(key) ? undefined : BAD_KEY;
}

function refusal(status: string, sentence: string, headers: HandshakeRefusal["headers"] = []): HandshakeRefusal {
  return { status, headers, body: `${sentence}\n` };
}

export const BAD_KEY = refusal("400 Bad Request", "Sec-WebSocket-Key must be given once, as 16 bytes in base64.");

/** Tokens are compared without regard to case (RFC 6455 4.2.1, items 3 and 4). */
function hasToken(list: string | undefined, token: string): boolean {
  if (list === undefined) return false;
  if (list.length === token.length) return list.toLowerCase() === token;
  return list.split(",").some((item) => item.trim().toLowerCase() === token);
}

/** 16 bytes in base64. */
function isKey(key: string): boolean {
  return /^[A-Za-z0-9+/]{22}==$/.test(key);
}
