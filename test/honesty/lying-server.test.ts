import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { FIN, maskedFrame, OPCODE } from "../../bench/protocol/frame.js";
import { handshakeRequest } from "../../bench/protocol/handshake.js";
import { startLiar } from "./drive.js";

/** Shakes hands, sends a ping and a message, and reads until the message's echo has come. @returns the frames in hex */
async function framesFrom(port: number): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  socket.write(handshakeRequest({ authority: `127.0.0.1:${port}`, resource: "/", key }));
  const [response] = (await once(socket, "data")) as [Buffer];
  assert.match(response.toString("latin1"), /^HTTP\/1\.1 101 .*\r\n\r\n$/s);
  socket.write(maskedFrame(FIN | OPCODE.ping, Buffer.from("hi"), 0x01020304));
  socket.write(maskedFrame(FIN | OPCODE.text, Buffer.from("end"), 0x01020304));
  let read = "";
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    read += chunk.toString("hex");
    if (read.endsWith("8103656e64")) break;
  }
  return read;
}

test("the lying server answers pings with their payload unless it is told not to", async (t) => {
  const honest = await startLiar(t);
  assert.equal(await framesFrom(honest.port), "8a0268698103656e64");
  const silent = await startLiar(t, ["--no-pong"]);
  assert.equal(await framesFrom(silent.port), "8103656e64");
});
