import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type LoadOptions, load, type ReasonCode, type Result, type ScenarioInput } from "../../bench/index.js";
import { type Running, type Scope, startProcess } from "../tools/process.js";
import type { Counts } from "./servers/lying.js";

const LYING_SERVER = fileURLToPath(new URL("./servers/lying.js", import.meta.url));

export interface Liar {
  readonly server: Running;
  readonly port: number;
  readonly url: string;
  /** Ends the server. @returns what it did */
  confess(): Promise<Counts>;
}

/** Starts the lying server with its faults as flags. */
export async function startLiar(scope: Scope, flags: readonly string[] = []): Promise<Liar> {
  const server = await startProcess(scope, process.execPath, [LYING_SERVER, ...flags]);
  const port = Number(await server.waitForLine(/^\d+$/));
  return {
    server,
    port,
    url: `ws://127.0.0.1:${port}/ws`,
    async confess() {
      const confession = server.waitForLine(/^\{/);
      await server.stop();
      return JSON.parse(await confession) as Counts;
    },
  };
}

/** Few connections, a short window, and not much patience: enough for exact counts. */
const BRIEF: ScenarioInput = {
  connections: 10,
  warmupMs: 100,
  durationMs: 500,
  messageTimeoutMs: 250,
  connectTimeoutMs: 500,
};

export const CLOSED = { kind: "closed", inFlight: 4 } as const;
export const OPEN = { kind: "open", ratePerSecond: 2_000 } as const;

/** Loads a server briefly. */
export function drive(url: string, scenario: ScenarioInput, options: LoadOptions = {}): Promise<Result> {
  return load({ ...BRIEF, ...scenario }, { url }, options);
}

/** Faults of the ledger; all others must be zero. */
type Faults = Partial<Pick<Result["ledger"], (typeof FAULTS)[number]>>;
const FAULTS = ["lost", "corrupted", "reordered", "duplicated", "unexpected", "wrongOpcode", "unsent"] as const;

/** Asserts that the ledger adds up, within itself and with what the server read, and that it has just these faults. */
export function assertLedger({ ledger }: Result, counts: Counts, faults: Faults): void {
  assert.equal(ledger.scheduled, ledger.sent + ledger.unsent, "scheduled = sent + unsent");
  assert.equal(ledger.sent, ledger.received + ledger.lost + ledger.inFlight, "sent = received + lost + in flight");
  assert.equal(ledger.inFlight, 0);
  assert.equal(counts.messages, ledger.sent, "the server read what was sent");
  assert.equal(counts.unmasked, 0);
  const found = Object.fromEntries(FAULTS.map((name) => [name, ledger[name]]));
  assert.deepEqual(found, { ...Object.fromEntries(FAULTS.map((name) => [name, 0])), ...faults });
}

/** Asserts that the verdict gives that reason, in words that hold `fact`. */
export function assertReason({ verdict }: Result, code: ReasonCode, severity: string, fact: RegExp): void {
  const reason = verdict.reasons.find((each) => each.code === code && each.severity === severity);
  assert.ok(reason !== undefined, `no ${code}, ${severity}, in ${JSON.stringify(verdict.reasons)}`);
  assert.match(reason.fact, fact);
}
