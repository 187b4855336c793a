/**
 * Started servers must not outlive this process. They lead process groups of their own, so that what they started ends
 * with them and a Ctrl-C on the terminal does not reach them before the run has been wound up.
 */
import { type ChildProcess, spawnSync } from "node:child_process";

const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const held = new Set<number>();

/** The process group of the child, a group's leader, is killed when this process ends. */
export function hold(child: ChildProcess): void {
  if (held.size === 0) {
    process.on("exit", killAll);
    for (const signal of ENDING_SIGNALS) process.on(signal, onSignal);
  }
  held.add(child.pid!);
}

/** To be called when the child has ended: what is left of its process group ends too. */
export function release(child: ChildProcess): void {
  signalGroup(child.pid!, "SIGKILL");
  held.delete(child.pid!);
  if (held.size > 0) return;
  process.off("exit", killAll);
  for (const signal of ENDING_SIGNALS) process.off(signal, onSignal);
}

/** @returns false when nothing is left of the group */
export function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(process.platform === "win32" ? leader : -leader, signal);
  } catch {
    return false;
  }
}

function killAll(): void {
  for (const leader of held) signalGroup(leader, "SIGKILL");
}

/** Whoever else listens for the signal winds the run up in order; with nobody else it ends this process, as usual. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  killAll();
  process.off(signal, onSignal);
  process.kill(process.pid, signal);
}

let prefix: readonly string[] | undefined;

/**
 * What to put before a command so that the kernel ends it should this process be killed without a chance to do so
 * (`prctl(2)`, PR_SET_PDEATHSIG); empty where the system offers no such thing.
 */
export function endWithParent(): readonly string[] {
  if (prefix === undefined) {
    const words = ["setpriv", "--pdeathsig", "KILL"];
    const works = process.platform === "linux" && spawnSync(words[0]!, [...words.slice(1), "true"]).status === 0;
    prefix = works ? words : [];
  }
  return prefix;
}
