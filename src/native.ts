/**
 * Loads the uWebSockets.js binary that fits this Node: the newer first, then the one that runs on older
 * Node versions and C libraries.
 */

import type * as UWebSockets from "uWebSockets.js-20.51";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { EcholotError } from "../cli/errors.js";

export type Native = typeof UWebSockets;

export interface LoadedNative {
  readonly uws: Native;
  /** Version of the package that holds the loaded binary, e.g. "20.51.4". */
  readonly version: string;
}

/** Loads one package by name, or throws. */
export type NativeLoader = (name: string) => LoadedNative;

const PACKAGES = ["uWebSockets.js", "uWebSockets.js-20.51"] as const;

/** @throws EcholotError NATIVE_UNAVAILABLE when no package's binary loads */
export function loadNative(load: NativeLoader = requirePackage): LoadedNative {
  const failures: Error[] = [];
  for (const name of PACKAGES) {
    try {
      return load(name);
    } catch (error) {
      failures.push(error as Error);
    }
  }
  throw new EcholotError(
    "NATIVE_UNAVAILABLE",
    `no uWebSockets.js binary loads on ${describePlatform()}`,
    "Install Node 20 or 22 (glibc 2.31 or later) or Node 24 (glibc 2.38 or later) for Linux, macOS or Windows, " +
      'then run "npm ci"; Alpine (musl) has no binary. ECHOLOT_DEBUG=1 shows what each package said.',
    {
      cause: new AggregateError(
        failures,
        failures.map(({ message }, index) => `${PACKAGES[index]}: ${message}`).join("\n"),
      ),
    },
  );
}

const require = createRequire(import.meta.url);

function requirePackage(name: string): LoadedNative {
  const uws = require(name) as Native;
  // The package may have found the other one's binary, so the version is that of the file that was loaded.
  const loaded = Object.keys(require.cache).findLast((path) => /uws[^/\\]*\.node$/.test(path));
  const manifest = join(dirname(loaded ?? require.resolve(name)), "package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return { uws, version };
}

/** "Node 20.20.2 (ABI 115), linux x64, glibc 2.36" */
export function describePlatform(): string {
  const { node, modules } = process.versions;
  const libc = process.platform === "linux" ? `, ${glibcVersion() ?? "no glibc (musl?)"}` : "";
  return `Node ${node} (ABI ${modules}), ${process.platform} ${process.arch}${libc}`;
}

function glibcVersion(): string | undefined {
  // Without this the report looks up the name of each peer.
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  report.excludeNetwork = true;
  const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? undefined : `glibc ${header.glibcVersionRuntime}`;
}
