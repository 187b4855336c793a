/** What to do where the server's own process is gone: what its connections met is then the consequence. */
export const SERVER_ENDED_REMEDY =
  "Look at the server's own output for what ended it (a crash, a signal, memory), and run again once it stays up.";

/** What to do about a handshake that failed for `reason`, a key of `Connections.failures`. */
export function handshakeRemedy(reason: string | undefined): string {
  const known = HANDSHAKE_REMEDIES.find(([pattern]) => pattern.test(reason ?? ""));
  return known?.[1] ?? "Check the URL, and that a WebSocket server answers there.";
}

const HANDSHAKE_REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/refused/i, "Start the server, or check host and port: nothing listens there."],
  [/resol|notfound|eai_/i, "Check the host's name: it has no address."],
  [/files|emfile|enfile/i, "Raise the limit of open files (ulimit -n), or ask for fewer connections."],
  [/source port|addrnotavail/i, "Ports ran out: wait a minute for old ones, or add source addresses."],
  [/unreach/i, "Check the network and the firewall: there is no way to the host."],
  [
    /timeout|timed out/i,
    "Connect more slowly (--connect-rate), and look at the server's accept queue and open-file limit.",
  ],
  [/status 404/i, "Check the URL's path: the server has no WebSocket endpoint there."],
  [/status 40[13]/i, "The server wants credentials or another Origin."],
  [/status 4(26|00)/i, "The server did not take the handshake: check the path, and proxies on the way."],
  [/status 429/i, "The server limits connections from one address: connect more slowly, or raise its limit."],
  [/status 503/i, "The server is full or draining: raise its connection limit, or ask for fewer."],
  [/status 30\d/i, "The server redirects: use the address that it names."],
  [/deflate not negotiated/i, "Turn compression on in the server, or run without --deflate."],
  [/nobody offered|parameter/i, "The server agrees to what was not offered (RFC 6455, 4.1): a fault of its handshake."],
  [
    /Sec-WebSocket|Upgrade|HTTP|header/i,
    "No WebSocket server answers there, or one with a faulty handshake: check the port.",
  ],
  [
    /reset|closed|ended/i,
    "The server ended the connection during the handshake: look at its log and its open-file limit.",
  ],
];

/** What to do about connections that ended for `reason`, a key of `Connections.endings`. */
export function endingRemedy(reason: string | undefined): string {
  const known = ENDING_REMEDIES.find(([pattern]) => pattern.test(reason ?? ""));
  return known?.[1] ?? "Look at the server's log for the time of the run: it may have ended or run out of memory.";
}

/** Close codes: RFC 6455, 7.4.1, and the registry it opens. */
const ENDING_REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /^close 100[01]\b/,
    "The server was shutting down or drops quiet connections: keep it running, or raise its idle time-out.",
  ],
  [/^close 100[237]\b/, "The server took a frame for malformed: please report it with the saved result."],
  [/^close 1008\b/, "A rate limit or policy of the server: send less on each connection, or raise its limits."],
  [/^close 1009\b/, "Messages are larger than the server allows: use a smaller payload, or raise its limit."],
  [/^close 1011\b/, "The server failed on a message: its log should say why."],
  [/^close 101[23]\b/, "The server is overloaded or saw answers pile up: send less, or raise its buffer limit."],
  [/^protocol\b/, "The server broke RFC 6455, so Echolot ended the connection."],
];
