import assert from "node:assert/strict";
import { test } from "node:test";
import { EcholotError } from "../../../cli/errors.js";
import { describePlatform, type LoadedNative, loadNative } from "../../../src/native.js";

test("the newer package is taken when it loads", () => {
  const tried: string[] = [];
  const loaded = loadNative((name) => {
    tried.push(name);
    return { version: "20.69.0" } as LoadedNative;
  });
  assert.equal(loaded.version, "20.69.0");
  assert.deepEqual(tried, ["uWebSockets.js"]);
});

test("the older package is taken when the newer one does not load", () => {
  const loaded = loadNative((name) => {
    if (name === "uWebSockets.js") throw new Error("GLIBC_2.38 not found");
    return { version: "20.51.4" } as LoadedNative;
  });
  assert.equal(loaded.version, "20.51.4");
});

test("when neither loads, one error names Node, ABI, platform and C library, and the remedy", () => {
  assert.throws(
    () =>
      loadNative((name) => {
        throw new Error(`${name} is not for this machine`);
      }),
    (error) => {
      assert.ok(error instanceof EcholotError);
      assert.equal(error.code, "NATIVE_UNAVAILABLE");
      assert.equal(error.exitCode, 2);
      const { node, modules } = process.versions;
      assert.ok(error.message.includes(`Node ${node} (ABI ${modules}), ${process.platform} ${process.arch}`));
      assert.match(error.remedy, /Install Node .*npm ci/s);
      const { message } = error.cause as AggregateError;
      assert.match(message, /uWebSockets\.js is not for this machine\n.*uWebSockets\.js-20\.51 is not/);
      return true;
    },
  );
});

test("the binary that is installed here loads, and its version is that of the file", () => {
  const { uws, version } = loadNative();
  assert.match(version, /^20\.\d+\.\d+$/);
  assert.equal(typeof uws.App, "function");
});

test("on Linux the platform's description names the C library", {
  skip: process.platform !== "linux" && "Linux only",
}, () => {
  assert.match(describePlatform(), /, (glibc \d+\.\d+|no glibc \(musl\?\))$/);
});
