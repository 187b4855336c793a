export { createEchoServer, type EchoServer, type EchoServerOptions } from "../src/index.js";
