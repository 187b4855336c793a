import { EXIT } from "../cli/errors.js";
import { asksForHelp, parseOptions, renderHelp } from "../cli/options.js";
import { createLog } from "./observe/log.js";
import { serveOptions } from "./options/table.js";
import { EchoServer } from "./server.js";
import { terminationSignal } from "./shutdown.js";

/** `echolot serve`: runs until a signal has drained it. */
export async function run(argv: string[], env: NodeJS.ProcessEnv): Promise<number> {
  if (asksForHelp(argv)) {
    process.stdout.write(renderHelp("serve", serveOptions, process.stdout.columns));
    return EXIT.ok;
  }
  const { values } = parseOptions(serveOptions, { command: "serve", argv, env });
  const log = await createLog(values.logLevel, process.stdout.isTTY === true);
  const server = new EchoServer(values, { log });
  const signalled = terminationSignal();
  const addresses = await server.start();
  const { host = "localhost", deflate, heartbeat, idleTimeoutMs } = values;
  const url = `ws://${host.includes(":") ? `[${host}]` : host}:${addresses.port}/ws`;
  log.info({ url, ...addresses, uWebSockets: server.nativeVersion, deflate, heartbeat, idleTimeoutMs }, "listening");

  const signal = await signalled;
  log.info({ signal, connections: server.stats().connectionsOpen }, "draining");
  await server.drain();
  log.info({ ...server.stats() }, "drained");
  return EXIT.ok;
}
