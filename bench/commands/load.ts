import { basename, dirname } from "node:path";
import { EcholotError } from "../../cli/errors.js";
import { asksForHelp, type OptionValues, parseOptions, renderHelp } from "../../cli/options.js";
import { type LoadTarget, load } from "../load.js";
import { createProgress } from "../report/progress.js";
import { renderTerminal } from "../report/terminal.js";
import { exitCode } from "../result/exit.js";
import { saveResult } from "../result/save.js";
import type { ScenarioInput } from "../scenario/scenario.js";
import { loadOptions } from "./load-options.js";

type Values = OptionValues<typeof loadOptions>;

/** `echolot load [URL]`: plan, run, save, report. @returns the exit code */
export async function run(argv: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { stdout, stderr } = process;
  if (asksForHelp(argv)) {
    stdout.write(renderHelp("load", loadOptions, stdout.columns));
    return 0;
  }
  const { values, positionals } = parseOptions(loadOptions, { command: "load", argv, env });
  const scenario = toScenario(values);
  const progress = createProgress({ stream: stderr, enabled: true });
  const interruption = new AbortController();
  const onInterrupt = () => interruption.abort();
  process.on("SIGINT", onInterrupt);
  try {
    const result = await load(scenario, toTarget(values, positionals), {
      workers: values.workers,
      pin: values.pin,
      command: ["echolot", "load", ...argv],
      signal: interruption.signal,
      onPlan: (lines) => stderr.write(`${lines.join("\n")}\n`),
      onProgress: (state) => progress.update(state),
    });
    progress.clear();
    const savedAs = await saveResult(result, values.resultsDir);
    // The id gets a number behind it where another run of the same second has it.
    const saved = { ...result, id: basename(dirname(savedAs)) };
    if (values.json) stdout.write(`${JSON.stringify(saved, null, 2)}\n`);
    else stdout.write(renderTerminal(saved, { color: wantsColor(env), width: stdout.columns ?? 100, savedAs }));
    return exitCode(result.verdict);
  } finally {
    progress.clear();
    process.off("SIGINT", onInterrupt);
  }
}

function toScenario(values: Values): ScenarioInput {
  if (values.rate !== undefined && values.inFlight !== undefined) {
    throw new EcholotError(
      "OPTION_CONFLICT",
      "--rate asks for an open loop and --in-flight for a closed one",
      "Give one of the two.",
    );
  }
  return {
    connections: values.connections,
    loop:
      values.rate === undefined
        ? { kind: "closed", inFlight: values.inFlight ?? 1 }
        : { kind: "open", ratePerSecond: values.rate, arrivals: values.arrivals },
    payloadBytes: values.payload,
    payloadType: values.type,
    deflate: values.deflate,
    connectRatePerSecond: values.connectRate,
    connectTimeoutMs: values.connectTimeout,
    warmupMs: values.warmup,
    durationMs: values.duration,
    messageTimeoutMs: values.messageTimeout,
    pacing: values.pacing,
    seed: values.seed,
  };
}

function toTarget(values: Values, positionals: readonly string[]): LoadTarget {
  return { url: positionals[0], serverPids: values.serverPid === undefined ? undefined : [values.serverPid] };
}

/** https://no-color.org */
function wantsColor(env: NodeJS.ProcessEnv): boolean {
  return process.stdout.isTTY === true && !env.NO_COLOR;
}
