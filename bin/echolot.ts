#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { COMMANDS, type CommandName } from "../cli/commands.js";
import { EcholotError, EXIT } from "../cli/errors.js";
import { nearest } from "../cli/options.js";

interface Command {
  /** @returns the exit code */
  run(argv: string[], env: NodeJS.ProcessEnv): Promise<number>;
}

const MODULES: Readonly<Record<CommandName, () => Promise<Command>>> = {
  serve: () => import("../src/serve.js"),
  load: () => import("../bench/commands/load.js"),
};

async function main([name, ...argv]: string[]): Promise<number> {
  if (name === undefined || name === "--help" || name === "-h" || name === "help") return print(overview());
  if (name === "--version" || name === "-V") return print(version());
  if (!(name in MODULES)) throw unknownCommand(name);
  const command = await MODULES[name as CommandName]();
  return command.run(argv, process.env);
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return EXIT.ok;
}

function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  return [
    "Usage: echolot COMMAND [options]",
    "",
    ...Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    'See "echolot COMMAND --help" for its options; --version prints the version.',
  ].join("\n");
}

function version(): string {
  const manifest = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

function unknownCommand(name: string): EcholotError {
  const names = Object.keys(COMMANDS);
  const near = nearest(name, names);
  const hint = near === undefined ? "" : `Did you mean "${near}"? `;
  return new EcholotError("COMMAND_UNKNOWN", `no command is called "${name}"`, `${hint}Commands: ${names.join(", ")}.`);
}

function report(error: unknown): number {
  const known =
    error instanceof EcholotError
      ? error
      : new EcholotError("INTERNAL", String(error), "Run it again with ECHOLOT_DEBUG=1 for the stack trace.", {
          cause: error,
        });
  process.stderr.write(`error ${known.code}: ${known.message}\n${known.remedy}\n`);
  if (process.env.ECHOLOT_DEBUG === "1") process.stderr.write(`${(error as Error).stack}\n`);
  return known.exitCode;
}

// Whoever reads the output may stop reading (`echolot load | head`): that is no fault to report.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.ok);
});

process.exitCode = await main(process.argv.slice(2)).catch(report);
