import { basename, dirname } from "node:path";
import { EcholotError } from "../../cli/errors.js";
import { asksForHelp, type OptionValues, type ParsedOptions, parseOptions, renderHelp } from "../../cli/options.js";
import { type LoadTarget, load } from "../load.js";
import { wrapLine } from "../report/layout.js";
import { createProgress } from "../report/progress.js";
import { renderTerminal } from "../report/terminal.js";
import { exitCode } from "../result/exit.js";
import type { Result } from "../result/result.js";
import { prepareFolder, saveResult } from "../result/save.js";
import type { ScenarioInput } from "../scenario/scenario.js";
import { loadOptions } from "./load-options.js";

/** Where the output goes into a pipe or a file. */
const PIPE_COLUMNS = 100;

type Values = OptionValues<typeof loadOptions>;

/** `echolot load [URL]`: plan, run, save, report. @returns the exit code */
export async function run(argv: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { stdout, stderr } = process;
  if (asksForHelp(argv)) {
    stdout.write(renderHelp("load", loadOptions, stdout.columns));
    return 0;
  }
  const { values, sources, positionals } = parseOptions(loadOptions, { command: "load", argv, env });
  const scenario = toScenario(values, sources);
  await prepareFolder(values.resultsDir);
  const columns = stdout.columns ?? PIPE_COLUMNS;
  const progress = createProgress({ stream: stderr, enabled: true });
  const interruption = listenForInterrupts();
  let result: Result;
  try {
    result = await load(scenario, toTarget(values, positionals), {
      workers: values.workers,
      pin: values.pin,
      command: ["echolot", "load", ...argv],
      ...interruption.signals,
      onPlan: (lines) =>
        stderr.write(lines.map((line) => `${wrapLine(line, stderr.columns ?? PIPE_COLUMNS)}\n`).join("")),
      onProgress: (state) => progress.update(state),
    });
  } finally {
    progress.clear();
    interruption.end();
  }
  // A result that cannot be saved is shown all the same, and the error after it.
  const saving = await saveResult(result, values.resultsDir).then(
    (savedAs) => ({ savedAs }),
    (error: unknown) => ({ error }),
  );
  const savedAs = "savedAs" in saving ? saving.savedAs : undefined;
  // The id gets a number behind it where another run of the same second has it.
  const shown = savedAs === undefined ? result : { ...result, id: basename(dirname(savedAs)) };
  if (values.json) stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  else {
    const layout = { color: wantsColor(env), width: columns };
    stdout.write(renderTerminal(shown, savedAs === undefined ? layout : { ...layout, savedAs }));
  }
  if ("error" in saving) throw saving.error;
  return exitCode(result.verdict);
}

/** The first Ctrl-C ends the window and drains, the second reports at once. */
function listenForInterrupts() {
  const [first, second] = [new AbortController(), new AbortController()];
  const onInterrupt = () => (first.signal.aborted ? second : first).abort();
  process.on("SIGINT", onInterrupt);
  return {
    signals: { signal: first.signal, abandonSignal: second.signal },
    end: () => process.off("SIGINT", onInterrupt),
  };
}

function toScenario(values: Values, sources: ParsedOptions<typeof loadOptions>["sources"]): ScenarioInput {
  if (values.rate !== undefined && values.inFlight !== undefined) {
    throw new EcholotError(
      "OPTION_CONFLICT",
      "--rate asks for an open loop and --in-flight for a closed one",
      "Give one of the two.",
    );
  }
  for (const key of ["arrivals", "pacing"] as const) {
    if (values.rate !== undefined || sources[key] === "default") continue;
    throw new EcholotError(
      "OPTION_CONFLICT",
      `--${loadOptions[key].flag} means something in an open loop only`,
      "Add --rate, or leave it out.",
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
  if (values.serverPid !== undefined && positionals.length === 0) {
    throw new EcholotError(
      "OPTION_CONFLICT",
      "--server-pid names a server that runs already, and no URL says where",
      "Give the server's URL, or leave out --server-pid.",
    );
  }
  if (values.serverPid !== undefined && !processExists(values.serverPid)) {
    throw new EcholotError(
      "OPTION_INVALID",
      `--server-pid cannot be ${values.serverPid}: no process of this machine has that id`,
      "Leave it out where the server listens on this machine: it is found by its port.",
    );
  }
  return { url: positionals[0], serverPids: values.serverPid === undefined ? undefined : [values.serverPid] };
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** https://no-color.org */
function wantsColor(env: NodeJS.ProcessEnv): boolean {
  return process.stdout.isTTY === true && !env.NO_COLOR;
}
