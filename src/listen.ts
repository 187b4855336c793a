import type { TemplatedApp, us_listen_socket } from "uWebSockets.js-20.51";
import { createServer } from "node:net";
import { EcholotError } from "../cli/errors.js";
import type { Native } from "./native.js";

export interface ListenSocket {
  readonly port: number;
  close(): void;
}

/**
 * Listens alone on a port; 0 takes any free one.
 * @throws EcholotError PORT_IN_USE or LISTEN_FAILED
 */
export async function listen(
  uws: Native,
  app: TemplatedApp,
  at: { readonly host: string | undefined; readonly port: number; readonly flag: string },
): Promise<ListenSocket> {
  const socket = await new Promise<us_listen_socket | false>((resolve) => {
    if (at.host === undefined) app.listen(at.port, EXCLUSIVE_PORT, resolve);
    else (app as unknown as HostListener).listen(at.host, at.port, EXCLUSIVE_PORT, resolve);
  });
  if (socket === false) throw await explainFailure(at);
  return {
    port: uws.us_socket_local_port(socket),
    close: () => uws.us_listen_socket_close(socket),
  };
}

/**
 * LIBUS_LISTEN_EXCLUSIVE_PORT: without it Linux lets a second server share the port, and each would get part of the
 * clients. The package's types put it into an enum that its code lacks.
 */
const EXCLUSIVE_PORT = 1;

/** A form that the package takes and its types lack. */
interface HostListener {
  listen(host: string, port: number, options: number, done: (socket: us_listen_socket | false) => void): void;
}

/** uWebSockets.js only says that it failed; Node says why. */
async function explainFailure(at: { host: string | undefined; port: number; flag: string }): Promise<EcholotError> {
  const where = at.host === undefined ? `port ${at.port}` : `${at.host}:${at.port}`;
  const code = await new Promise<string>((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ port: at.port, host: at.host, exclusive: true }, () => probe.close(() => resolve("reason unknown")));
  });
  if (code === "EADDRINUSE") {
    return new EcholotError(
      "PORT_IN_USE",
      `another program listens on ${where}`,
      `Stop it (on Linux "ss -ltnp sport = :${at.port}" names it), or choose another port with --${at.flag} (0: any free one).`,
    );
  }
  const remedy =
    code === "EACCES"
      ? `Ports below 1024 need a privilege; choose another with --${at.flag}.`
      : "Check --host and the port; --host takes an address or a name of this machine.";
  return new EcholotError("LISTEN_FAILED", `cannot listen on ${where} (${code})`, remedy);
}
