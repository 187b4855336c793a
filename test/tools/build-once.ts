import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { link, mkdir, readFile, rename, rm, watch, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";

/** How long a lock's holder may be silent before it is asked whether it still runs. */
const HOLDER_CHECK_MS = 1_000;

/**
 * The directory with what `build` puts into it. Test files run side by side, each in its own process: the first
 * one builds, the others wait for it, and a later run finds the work done. Name the directory by its content.
 */
export async function buildOnce(directory: string, build: (into: string) => Promise<void>): Promise<string> {
  await mkdir(dirname(directory), { recursive: true });
  const lock = `${directory}.lock`;
  while (!existsSync(directory)) {
    if (!(await take(lock))) {
      await released(lock);
      continue;
    }
    try {
      if (existsSync(directory)) break;
      const partial = `${directory}.${process.pid}`;
      await mkdir(partial);
      try {
        await build(partial);
        await rename(partial, directory);
      } finally {
        await rm(partial, { recursive: true, force: true });
      }
    } finally {
      await rm(lock, { force: true });
    }
  }
  return directory;
}

/** The lock appears with its holder's process id in it, all at once. */
async function take(lock: string): Promise<boolean> {
  const claim = `${lock}.${randomUUID()}`;
  await writeFile(claim, String(process.pid));
  try {
    await link(claim, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(claim);
  }
}

/** Settles when the lock is gone; a lock whose holder has died is taken away. */
async function released(lock: string): Promise<void> {
  while (existsSync(lock)) {
    const change = new AbortController();
    const timer = setTimeout(() => change.abort(), HOLDER_CHECK_MS);
    try {
      for await (const event of watch(dirname(lock), { signal: change.signal })) {
        if (event.filename === basename(lock)) break;
      }
    } catch (error) {
      if (!change.signal.aborted) throw error;
      await removeIfAbandoned(lock);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function removeIfAbandoned(lock: string): Promise<void> {
  const pid = Number(await readFile(lock, "utf8").catch(() => process.pid));
  if (!isAlive(pid)) await rm(lock, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
