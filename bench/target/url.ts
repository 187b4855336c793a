import { EcholotError } from "../../cli/errors.js";

/** A WebSocket URL (RFC 6455, section 3) in the parts that a client needs. */
export interface TargetUrl {
  /** As the report shows it. */
  url: string;
  /** A name or an address, IPv6 without brackets. */
  host: string;
  port: number;
  /** Request target: path and query, at least "/". */
  path: string;
  /** Value of the Host field: the port is left out where it is the scheme's own. */
  hostHeader: string;
}

/** The port of ws: where a URL names none (RFC 6455, section 3). */
const DEFAULT_PORT = 80;

/** @throws EcholotError TARGET_INVALID with what to write instead */
export function parseTargetUrl(text: string): TargetUrl {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) throw invalid(text, "has no scheme", withScheme(text));
  const parsed = toUrl(text);
  if (parsed === null) throw invalid(text, "is not a URL", null);
  if (parsed.protocol === "wss:") {
    throw new EcholotError(
      "TARGET_INVALID",
      `${text} asks for TLS, which the load generator does not support yet`,
      "Load the server on a ws:// port, behind the TLS terminator where there is one.",
    );
  }
  if (parsed.protocol !== "ws:") {
    throw invalid(text, `has the scheme ${parsed.protocol}`, text.replace(/^[^/]*/, "ws:"));
  }
  if (parsed.hash !== "" || text.endsWith("#")) {
    throw invalid(text, "has a fragment, which a WebSocket URL cannot have", text.replace(/#.*$/s, ""));
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw invalid(text, "has a user name, which a WebSocket URL cannot have", text.replace(/\/\/[^/]*@/, "//"));
  }
  const port = parsed.port === "" ? DEFAULT_PORT : Number(parsed.port);
  if (port === 0) throw invalid(text, "has port 0, on which nothing can listen", null);
  return {
    url: parsed.href,
    host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
    port,
    path: `${parsed.pathname}${parsed.search}`,
    hostHeader: parsed.host,
  };
}

/** What a text without a scheme means: a port ("6666", ":6666/ws"), a host and more, or nothing that could be guessed. */
function withScheme(text: string): string | null {
  const [, port, rest] = /^:?(\d{1,5})([/?].*)?$/s.exec(text) ?? [];
  if (port !== undefined) return `ws://localhost:${port}${rest ?? ""}`;
  const authority = text.replace(/^\/\//, "");
  return authority.startsWith("/") ? null : `ws://${authority}`;
}

function toUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function invalid(text: string, fact: string, suggestion: string | null): EcholotError {
  return new EcholotError("TARGET_INVALID", `the target "${text}" ${fact}`, remedyOf(suggestion));
}

function remedyOf(suggestion: string | null): string {
  const parsed = suggestion === null ? null : toUrl(suggestion);
  if (suggestion === null || parsed?.protocol !== "ws:" || parsed.port === "0")
    return "Write it as ws://HOST:PORT/PATH, such as ws://127.0.0.1:6666/ws.";
  const [, authority] = /^ws:\/\/([^/?#]*)$/.exec(suggestion) ?? [];
  if (authority === undefined) return `Write ${suggestion}.`;
  return `Write ws://${authority}/ws: most servers have their WebSocket endpoint under a path, and /ws is usual.`;
}
