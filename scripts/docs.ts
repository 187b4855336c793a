/**
 * `npm run docs`: writes docs/CONFIG.md from the option tables and docs/ERRORS.md from the error table.
 * `--check` writes nothing: it prints how the files differ, and exits with 1 if they do.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadOptions } from "../bench/commands/load-options.js";
import { COMMANDS, type CommandName } from "../cli/commands.js";
import { ERRORS, EXIT } from "../cli/errors.js";
import { type OptionTable, renderMarkdown } from "../cli/options.js";
import { serveOptions } from "../src/options/table.js";

const TABLES: Readonly<Record<CommandName, OptionTable>> = { serve: serveOptions, load: loadOptions };
const DOCS = new URL("../../docs/", import.meta.url);

const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: "done; for a run: valid or suspect (the report says which), and nothing lost",
  failed: "the server lost, damaged, duplicated or invented messages",
  usage: "the command line, the environment, the config file or the machine does not allow the command",
  void: "the run's figures cannot be trusted",
  internal: "a fault of Echolot itself",
};

export function configDocument(): string {
  const sections = Object.entries(TABLES).map(([name, table]) => renderMarkdown(name as CommandName, table));
  return [
    "# Configuration",
    "",
    "Generated from the option tables by `npm run docs`.",
    "",
    "An option can be set by a flag, by an environment variable or in a JSON file that `--config FILE` (or",
    "`ECHOLOT_CONFIG`) names. A flag beats the environment, the environment the config file, the config file the default.",
    "The file holds one object a command; a value is written as for the flag, or as a JSON number, boolean or array:",
    "",
    "```json",
    '{ "serve": { "port": 6666, "idleTimeout": "15s", "deflate": false } }',
    "```",
    "",
    ...sections,
  ].join("\n");
}

export function errorsDocument(): string {
  const byExit = Object.entries(EXIT).map(
    ([name, code]) => `| ${code} | ${EXIT_MEANINGS[name as keyof typeof EXIT]} |`,
  );
  const byCode = Object.entries(ERRORS).map(([code, { exit, meaning }]) => `| \`${code}\` | ${exit} | ${meaning} |`);
  return [
    "# Errors",
    "",
    "Generated from the error table by `npm run docs`.",
    "",
    `The commands are ${Object.keys(COMMANDS).join(", ")}. Each prints an error as two lines, the fact and the remedy:`,
    "",
    "```text",
    "error PORT_IN_USE: another program listens on port 6666",
    'Stop it (on Linux "ss -ltnp sport = :6666" names it), or choose another port with --port (0: any free one).',
    "```",
    "",
    "`ECHOLOT_DEBUG=1` adds the stack trace.",
    "",
    "| exit code | means |",
    "|---|---|",
    ...byExit,
    "",
    "| code | exit code | means |",
    "|---|---|---|",
    ...byCode,
    "",
  ].join("\n");
}

/** The first line in which two texts differ, as a person would want to see it; undefined when they are the same. */
export function firstDifference(name: string, written: string, generated: string): string | undefined {
  const [before, after] = [written.split("\n"), generated.split("\n")];
  const line = Array.from({ length: Math.max(before.length, after.length) }).findIndex(
    (_, i) => before[i] !== after[i],
  );
  if (line === -1) return undefined;
  return `${name}:${line + 1}\n- ${before[line] ?? "(end of file)"}\n+ ${after[line] ?? "(end of file)"}`;
}

function main(isCheck: boolean): number {
  let differences = 0;
  for (const [name, generated] of [
    ["CONFIG.md", configDocument()],
    ["ERRORS.md", errorsDocument()],
  ] as const) {
    const file = new URL(name, DOCS);
    if (!isCheck) {
      writeFileSync(file, generated);
      continue;
    }
    const difference = firstDifference(`docs/${name}`, existsSync(file) ? readFileSync(file, "utf8") : "", generated);
    if (difference === undefined) continue;
    differences++;
    process.stdout.write(`${difference}\n`);
  }
  if (differences > 0) process.stdout.write('Run "npm run docs" and commit what it writes.\n');
  return differences === 0 ? EXIT.ok : EXIT.failed;
}

if (process.argv[1] === import.meta.filename) process.exitCode = main(process.argv.includes("--check"));
