// The least that a uWebSockets.js echo can be: what the endpoint's cost is compared with. No limit, no check, no heartbeat.

import type * as UWS from "uWebSockets.js";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const load = (name: string): typeof UWS => require(name);
const uWS = await Promise.resolve("uWebSockets.js")
  .then(load)
  .catch(() => load("uWebSockets.js-20.51"));
const deflate = process.argv[2] === "deflate";

uWS
  .App()
  .ws("/ws", {
    compression: deflate ? uWS.SHARED_COMPRESSOR | uWS.SHARED_DECOMPRESSOR : uWS.DISABLED,
    idleTimeout: 120,
    maxPayloadLength: 16 << 20,
    maxBackpressure: 16 << 20,
    message: (ws, message, isBinary) => void ws.send(message, isBinary, deflate),
  })
  .listen("127.0.0.1", 0, (socket) => {
    if (!socket) process.exit(1);
    console.log(JSON.stringify({ msg: "listening", port: uWS.us_socket_local_port(socket) }));
  });
