import { resolveOptions } from "../cli/options.js";
import { type ServerOptions, serverOptions } from "./options/table.js";
import { EchoServer, type ServerParts } from "./server.js";

export type { ServerStats } from "./observe/counters.js";
export type { Addresses, EchoServer } from "./server.js";
export type { MessageObserver } from "./websocket/echo.js";

export type EchoServerOptions = { readonly [K in keyof ServerOptions]?: ServerOptions[K] | undefined } & ServerParts;

/**
 * An echo server that is not listening yet; `start()` makes it.
 *
 * @param options as of `echolot serve` (docs/CONFIG.md), with times in milliseconds and sizes in bytes; besides, `log`
 *   (a pino logger; without it nothing is logged) and `onMessage` (sees each message before it is echoed)
 * @throws EcholotError OPTION_UNKNOWN, OPTION_INVALID, OPTION_CONFLICT or NATIVE_UNAVAILABLE
 */
export function createEchoServer({ log, onMessage, ...options }: EchoServerOptions = {}): EchoServer {
  return new EchoServer(resolveOptions(serverOptions, options), { log, onMessage });
}
