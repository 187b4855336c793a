import { setTimeout as sleep } from "node:timers/promises";

export interface DrainTimes {
  readonly drainDelayMs: number;
  readonly drainWindowMs: number;
  readonly drainDeadlineMs: number;
}

export interface Drainable {
  /** From here on /readyz says 503. */
  stopBeingReady(): void;
  stopListening(): void;
  /** The connections to say goodbye to. */
  connections(): readonly number[];
  sayGoodbye(connection: number): void;
  /** Cuts what is still open. */
  cut(): void;
}

const STEP_MS = 20;

/** How many of `total` goodbyes are due after `elapsedMs` of a window: the first at once, the others evenly. */
export function goodbyesDue(total: number, elapsedMs: number, windowMs: number): number {
  return elapsedMs >= windowMs ? total : Math.min(total, 1 + Math.floor((total * elapsedMs) / windowMs));
}

/**
 * Resolves when every client was told. Closing handshakes may still run then; what is open at the deadline is cut.
 * The deadline does not keep the process alive.
 */
export async function drain(server: Drainable, times: DrainTimes): Promise<void> {
  setTimeout(() => server.cut(), times.drainDeadlineMs).unref();
  server.stopBeingReady();
  if (times.drainDelayMs > 0) await sleep(times.drainDelayMs);
  server.stopListening();

  const connections = server.connections();
  const beganMs = performance.now();
  let told = 0;
  while (told < connections.length) {
    const due = goodbyesDue(connections.length, performance.now() - beganMs, times.drainWindowMs);
    for (; told < due; told++) server.sayGoodbye(connections[told]);
    if (told < connections.length) await sleep(STEP_MS);
  }
  // Nobody has a closing handshake to finish: a silent HTTP connection must not hold the process to the deadline.
  if (connections.length === 0) server.cut();
}

/** The first SIGTERM or SIGINT; the second ends the process at once. */
export function terminationSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first = true;
    function onSignal(signal: NodeJS.Signals): void {
      if (first) {
        first = false;
        resolve(signal);
        return;
      }
      for (const name of SIGNALS) process.removeListener(name, onSignal);
      process.kill(process.pid, signal);
    }
    for (const name of SIGNALS) process.on(name, onSignal);
  });
}

const SIGNALS = ["SIGTERM", "SIGINT"] as const;
