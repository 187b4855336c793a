import { readdirSync, readFileSync } from "node:fs";
import { platform } from "node:os";

/** For a test that must find a generator process to stop or to end it. */
export const NEEDS_PROC = platform() === "linux" ? false : "finding a generator process needs Linux's /proc";

/** Process ids of the generators that this process has started and that have not ended. */
export function generatorPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(isGenerator);
}

function isGenerator(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name in parentheses may hold spaces; the state and the parent follow it.
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    const command = readFileSync(`/proc/${pid}/cmdline`, "latin1");
    return parent === process.pid && command.includes("generator/worker.js");
  } catch {
    // It has ended since the folder was listed.
    return false;
  }
}
