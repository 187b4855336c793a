/**
 * One table of options feeds flags, environment, config file, defaults, `--help` and docs/CONFIG.md.
 * A flag beats the environment, the environment the config file, the config file the default.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { COMMANDS, type CommandName, type CommandText } from "./commands.js";
import { EcholotError } from "./errors.js";

interface Described {
  /** Kebab-case, without dashes; the environment's and the config file's names are made from it. */
  readonly flag: string;
  /** Heading in the help. */
  readonly group: string;
  /** One line. */
  readonly description: string;
  /** What can go wrong when it is set unwisely. */
  readonly danger?: string;
}

/** Milliseconds for a duration, bytes for bytes. */
interface NumericOption extends Described {
  readonly kind: "integer" | "number" | "duration" | "bytes";
  readonly default?: number | string;
  readonly min?: number;
  readonly max?: number;
  /** Words that are allowed instead of a number; such a value stays the word. */
  readonly words?: readonly string[];
}

interface BooleanOption extends Described {
  readonly kind: "boolean";
  readonly default?: boolean;
}

interface ChoiceOption extends Described {
  readonly kind: "choice";
  readonly choices: readonly string[];
  readonly default?: string;
}

interface StringOption extends Described {
  readonly kind: "string";
  readonly default?: string;
  readonly pattern?: RegExp;
  /** Says in words what `pattern` allows. */
  readonly allowed?: string;
}

interface ListOption extends Described {
  readonly kind: "list";
  readonly default?: readonly string[];
}

export type OptionSpec = NumericOption | BooleanOption | ChoiceOption | StringOption | ListOption;
export type OptionTable = Readonly<Record<string, OptionSpec>>;

type Scalar<S extends OptionSpec> = S extends NumericOption
  ? number | (S extends { readonly words: readonly (infer W)[] } ? W : never)
  : S extends BooleanOption
    ? boolean
    : S extends ChoiceOption
      ? S["choices"][number]
      : S extends ListOption
        ? readonly string[]
        : string;

/** The values' types: an option without a default may be undefined. */
export type OptionValues<T extends OptionTable> = {
  readonly [K in keyof T]: T[K] extends { readonly default: unknown } ? Scalar<T[K]> : Scalar<T[K]> | undefined;
};

export type OptionSource = "default" | "config" | "environment" | "flag";

export interface ParsedOptions<T extends OptionTable> {
  readonly values: OptionValues<T>;
  readonly sources: Readonly<Record<keyof T, OptionSource>>;
  readonly positionals: readonly string[];
}

export interface OptionInput {
  /** Names the section of the config file and the number of arguments allowed. */
  readonly command: CommandName;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Read when neither `--config` nor ECHOLOT_CONFIG names a file. */
  readonly configPath?: string;
}

/** Keeps the table's literal types, from which the values' types are inferred. */
export function defineOptions<const T extends OptionTable>(table: T): T {
  return table;
}

/** True when the arguments ask for the help text. */
export function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end === -1 ? argv : argv.slice(0, end)).some((word) => word === "--help" || word === "-h");
}

/**
 * Reads a command's options.
 * @throws EcholotError OPTION_UNKNOWN, OPTION_INVALID or CONFIG_UNREADABLE
 */
export function parseOptions<const T extends OptionTable>(table: T, input: OptionInput): ParsedOptions<T> {
  const flags = readFlags(table, input);
  const configPath = flags.configPath ?? (input.env.ECHOLOT_CONFIG || undefined) ?? input.configPath;
  const section = configPath === undefined ? {} : readConfig(table, input.command, configPath);
  const values: Record<string, unknown> = {};
  const sources: Record<string, OptionSource> = {};

  for (const [key, spec] of Object.entries(table)) {
    const environment = environmentName(spec);
    const config = configName(spec);
    const fromEnvironment = input.env[environment];
    const fromFlags = flags.values.get(key);
    if (fromFlags !== undefined) {
      values[key] = readValue(spec, fromFlags.value, fromFlags.written);
      sources[key] = "flag";
    } else if (fromEnvironment !== undefined && fromEnvironment !== "") {
      values[key] = readValue(spec, fromEnvironment, environment);
      sources[key] = "environment";
    } else if (section[config] !== undefined) {
      values[key] = readValue(spec, section[config], `"${input.command}.${config}" in ${configPath}`);
      sources[key] = "config";
    } else {
      values[key] = spec.default;
      sources[key] = "default";
    }
  }
  return {
    values: values as OptionValues<T>,
    sources: sources as Record<keyof T, OptionSource>,
    positionals: flags.positionals,
  };
}

/**
 * The table's defaults with the values given in code, checked like any other.
 * @throws EcholotError OPTION_UNKNOWN or OPTION_INVALID
 */
export function resolveOptions<const T extends OptionTable>(
  table: T,
  given: { readonly [K in keyof T]?: Scalar<T[K]> | undefined },
): OptionValues<T> {
  const values: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries(table)) values[key] = spec.default;
  for (const [key, value] of Object.entries(given)) {
    const spec = table[key];
    if (spec === undefined) throw unknownName(`option "${key}"`, key, Object.keys(table), (name) => `"${name}"`);
    if (value !== undefined) values[key] = readValue(spec, value, key);
  }
  return values as OptionValues<T>;
}

export function environmentName(spec: OptionSpec): string {
  return `ECHOLOT_${spec.flag.replaceAll("-", "_").toUpperCase()}`;
}

export function configName(spec: OptionSpec): string {
  return spec.flag.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

interface Flags {
  readonly configPath: string | undefined;
  readonly values: ReadonlyMap<string, { readonly value: unknown; readonly written: string }>;
  readonly positionals: readonly string[];
}

function readFlags(table: OptionTable, input: OptionInput): Flags {
  const byFlag = new Map(Object.entries(table).map(([key, spec]) => [spec.flag, { key, spec }]));
  const known: Record<string, { type: "string" | "boolean" }> = { config: { type: "string" } };
  for (const { spec } of byFlag.values()) known[spec.flag] = { type: spec.kind === "boolean" ? "boolean" : "string" };
  const { tokens } = parseArgs({
    args: [...input.argv],
    options: known,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });

  let configPath: string | undefined;
  const values = new Map<string, { value: unknown; written: string }>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      positionals.push(token.value);
      continue;
    }
    const written = token.rawName;
    if (written === "--config") {
      configPath = required(written, token.value, "the path of a JSON file");
      continue;
    }
    const negated = token.name.startsWith("no-") ? byFlag.get(token.name.slice(3)) : undefined;
    const entry = byFlag.get(token.name) ?? (negated?.spec.kind === "boolean" ? negated : undefined);
    if (entry === undefined || !written.startsWith("--")) {
      const names = ["config", "help", ...byFlag.keys()];
      throw unknownName(`option ${written}`, token.name, names, (name) => `--${name}`, input.command);
    }
    const { key, spec } = entry;
    if (spec.kind === "boolean") {
      const truth = token.value === undefined ? true : readValue(spec, token.value, written);
      values.set(key, { value: entry === negated ? !truth : truth, written });
      continue;
    }
    const text = required(written, token.value, allowedValues(spec));
    const before = values.get(key)?.value;
    values.set(key, { value: spec.kind === "list" && before !== undefined ? `${before},${text}` : text, written });
  }

  const { positionals: most } = COMMANDS[input.command] as CommandText;
  if (positionals.length > most) {
    throw new EcholotError(
      "OPTION_UNKNOWN",
      `unexpected argument "${positionals[most]}"`,
      `"echolot ${input.command}" takes ${most === 0 ? "options only" : `at most ${most} argument${most === 1 ? "" : "s"}`}; see "echolot ${input.command} --help".`,
    );
  }
  return { configPath, values, positionals };
}

function required(written: string, value: string | undefined, allowed: string): string {
  if (value !== undefined && value !== "") return value;
  throw new EcholotError("OPTION_INVALID", `${written} has no value`, `Give it ${allowed}.`);
}

function readConfig(table: OptionTable, command: CommandName, path: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new EcholotError("CONFIG_UNREADABLE", `cannot read the config file ${path}: ${reason}`, CONFIG_SHAPE, {
      cause,
    });
  }
  if (!isRecord(parsed)) throw new EcholotError("CONFIG_UNREADABLE", `${path} holds no JSON object`, CONFIG_SHAPE);
  for (const section of Object.keys(parsed)) {
    if (section in COMMANDS) continue;
    throw unknownName(`section "${section}" in ${path}`, section, Object.keys(COMMANDS), (name) => `"${name}"`);
  }
  const section = parsed[command] ?? {};
  if (!isRecord(section)) {
    throw new EcholotError("CONFIG_UNREADABLE", `"${command}" in ${path} is not an object`, CONFIG_SHAPE);
  }
  const names = Object.values(table).map(configName);
  for (const name of Object.keys(section)) {
    if (names.includes(name)) continue;
    throw unknownName(`option "${command}.${name}" in ${path}`, name, names, (near) => `"${near}"`, command);
  }
  return section;
}

const CONFIG_SHAPE = 'The file must be readable JSON with one object a command, such as {"serve": {"port": 6666}}.';

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param written the option's name as the user wrote it */
function readValue(spec: OptionSpec, given: unknown, written: string): unknown {
  const value = convert(spec, given);
  if (value !== undefined) return value;
  const shown = typeof given === "string" ? `"${given}"` : JSON.stringify(given);
  throw new EcholotError("OPTION_INVALID", `${written} cannot be ${shown}`, `Allowed: ${allowedValues(spec)}.`);
}

/** The value in the option's own type, or undefined when it is not allowed. */
function convert(spec: OptionSpec, given: unknown): unknown {
  switch (spec.kind) {
    case "boolean":
      return typeof given === "boolean" ? given : TRUTH.get(String(given).toLowerCase());
    case "choice":
      return spec.choices.find((choice) => choice === given);
    case "string":
      return typeof given === "string" && (spec.pattern?.test(given) ?? true) ? given : undefined;
    case "list": {
      const items = typeof given === "string" ? given.split(",").map((item) => item.trim()) : given;
      return Array.isArray(items) && items.every((item) => typeof item === "string" && item !== "") ? items : undefined;
    }
    default: {
      if (typeof given === "string" && spec.words?.includes(given)) return given;
      const number = typeof given === "number" ? given : typeof given === "string" ? toNumber(spec.kind, given) : NaN;
      const whole = spec.kind === "integer" || spec.kind === "bytes";
      if (!Number.isFinite(number) || (whole && !Number.isSafeInteger(number))) return undefined;
      return number < (spec.min ?? 0) || number > (spec.max ?? Infinity) ? undefined : number;
    }
  }
}

const TRUTH = new Map([
  ["true", true],
  ["1", true],
  ["on", true],
  ["yes", true],
  ["false", false],
  ["0", false],
  ["off", false],
  ["no", false],
]);

const MILLISECONDS: Readonly<Record<string, number>> = { "": 1, ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 };
const BYTES: Readonly<Record<string, number>> = { "": 1, b: 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 };

function toNumber(kind: NumericOption["kind"], text: string): number {
  const match = /^(-?[\d_]*\.?\d+)\s*([a-z]*)$/i.exec(text.trim());
  if (match === null) return NaN;
  const number = Number(match[1]!.replaceAll("_", ""));
  const unit = match[2]!.toLowerCase();
  const units = kind === "duration" ? MILLISECONDS : kind === "bytes" ? BYTES : { "": 1 };
  return number * (units[unit as ""] ?? NaN);
}

/** "an integer from 0 to 65535, or "off"" */
function allowedValues(spec: OptionSpec): string {
  switch (spec.kind) {
    case "boolean":
      return "true or false (also 1, 0, on, off, yes, no)";
    case "choice":
      return spec.choices.join(", ");
    case "string":
      return spec.allowed ?? "text";
    case "list":
      return "names with commas between them";
    default: {
      const noun = {
        integer: "an integer",
        number: "a number",
        duration: 'a duration such as "15s" or "500ms" (a plain number is milliseconds)',
        bytes: 'a size such as "16MiB" or "1KiB" (a plain number is bytes)',
      }[spec.kind];
      const least = formatNumber(spec.kind, spec.min ?? 0);
      const range =
        spec.max === undefined ? `, at least ${least}` : ` from ${least} to ${formatNumber(spec.kind, spec.max)}`;
      return `${noun}${range}${(spec.words ?? []).map((word) => `, or "${word}"`).join("")}`;
    }
  }
}

function formatNumber(kind: NumericOption["kind"], value: number): string {
  const units: readonly (readonly [string, number])[] =
    kind === "duration"
      ? [
          ["h", 3_600_000],
          ["min", 60_000],
          ["s", 1_000],
          ["ms", 1],
        ]
      : kind === "bytes"
        ? [
            ["GiB", 2 ** 30],
            ["MiB", 2 ** 20],
            ["KiB", 2 ** 10],
          ]
        : [];
  const unit = units.find(([, size]) => value !== 0 && value % size === 0);
  return unit === undefined ? String(value) : `${value / unit[1]}${unit[0]}`;
}

function formatDefault(spec: OptionSpec): string | undefined {
  const value = spec.default;
  if (value === undefined) return undefined;
  if (typeof value === "number") return formatNumber(spec.kind as NumericOption["kind"], value);
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "string") return value;
  return value.length === 0 ? undefined : value.join(",");
}

function unknownName(
  what: string,
  name: string,
  names: readonly string[],
  show: (name: string) => string,
  command?: CommandName,
): EcholotError {
  const near = nearest(name, names);
  const hint = near === undefined ? "" : `Did you mean ${show(near)}? `;
  const help = command === undefined ? `Known: ${names.map(show).join(", ")}.` : `See "echolot ${command} --help".`;
  return new EcholotError("OPTION_UNKNOWN", `unknown ${what}`, `${hint}${help}`);
}

/** The name that takes the fewest edits to reach, when they are few for its length. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.ceil(name.length / 3)) + 1;
  for (const candidate of names) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const substitution = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}

function placeholder(spec: OptionSpec): string {
  switch (spec.kind) {
    case "boolean":
      return "";
    case "choice":
      return ` ${spec.choices.join("|")}`;
    case "string":
      return " TEXT";
    case "list":
      return " A,B,...";
    default: {
      const noun = { integer: "N", number: "X", duration: "TIME", bytes: "SIZE" }[spec.kind];
      return ` ${[noun, ...(spec.words ?? [])].join("|")}`;
    }
  }
}

function spelled(spec: OptionSpec): string {
  const flag = spec.kind === "boolean" && spec.default === true ? `[no-]${spec.flag}` : spec.flag;
  return `--${flag}${placeholder(spec)}`;
}

function grouped(table: OptionTable): Map<string, OptionSpec[]> {
  const groups = new Map<string, OptionSpec[]>();
  for (const spec of Object.values(table)) {
    const group = groups.get(spec.group);
    if (group === undefined) groups.set(spec.group, [spec]);
    else group.push(spec);
  }
  return groups;
}

const WIDEST_HELP = 100;

/** The help text of a command, for a terminal of `columns` columns. */
export function renderHelp(command: CommandName, table: OptionTable, columns = 80): string {
  const width = Math.min(columns, WIDEST_HELP);
  const { summary, usage, examples } = COMMANDS[command] as CommandText;
  const general: readonly (readonly [string, string])[] = [
    ["--config FILE", `JSON with a "${command}" object; its keys are the options in camelCase`],
    ["--help", "this text"],
  ];
  const groups = [...grouped(table)].map(([group, specs]) => ({
    group,
    rows: specs.map((spec) => [spelled(spec), describe(spec)] as const),
  }));
  const column = 4 + Math.max(...[...groups.flatMap(({ rows }) => rows), ...general].map(([left]) => left.length));
  const indent = Math.min(column, 30);
  const lines = [`Usage: echolot ${command} ${usage}`, "", ...wrap(summary, width), ""];
  for (const { group, rows } of [...groups, { group: "General", rows: general }]) {
    lines.push(group, ...rows.flatMap(([left, right]) => row(left, right, indent, width)), "");
  }
  if (examples.length > 0) {
    lines.push("Examples", ...examples.flatMap(([example, does]) => [`  ${example}`, `      ${does}`]), "");
  }
  const [first] = Object.values(table);
  lines.push(
    ...wrap(`Each option is also an environment variable (--${first.flag}: ${environmentName(first)}).`, width),
    ...wrap("A flag beats the environment, the environment the config file, the config file the default.", width),
  );
  return `${lines.join("\n")}\n`;
}

function describe(spec: OptionSpec): string {
  const shown = formatDefault(spec);
  const sentence = `${spec.description}${shown === undefined ? "" : ` [${shown}]`}`;
  return spec.danger === undefined ? sentence : `${sentence}\nCaution: ${spec.danger}`;
}

function row(left: string, right: string, indent: number, width: number): string[] {
  const paragraphs = right.split("\n").flatMap((paragraph) => wrap(paragraph, width - indent));
  const margin = " ".repeat(indent);
  const fits = left.length + 4 <= indent;
  const first = fits ? [`  ${left}`.padEnd(indent) + paragraphs[0]] : [`  ${left}`, `${margin}${paragraphs[0]}`];
  return [...first, ...paragraphs.slice(1).map((line) => margin + line)];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** The section of docs/CONFIG.md for a command. */
export function renderMarkdown(command: CommandName, table: OptionTable): string {
  const { summary, usage } = COMMANDS[command] as CommandText;
  const lines = [`## echolot ${command}`, "", summary, "", `\`echolot ${command} ${usage}\``, ""];
  for (const [group, specs] of grouped(table)) {
    lines.push(
      `### ${group}`,
      "",
      "| flag | environment | config key | allowed | default | |",
      "|---|---|---|---|---|---|",
      ...specs.map(markdownRow),
      "",
    );
  }
  return lines.join("\n");
}

function markdownRow(spec: OptionSpec): string {
  const negatable = spec.kind === "boolean" ? `, \`--no-${spec.flag}\`` : "";
  const danger = spec.danger === undefined ? "" : ` **Caution:** ${spec.danger}`;
  const cells = [
    `\`--${spec.flag}\`${negatable}`,
    `\`${environmentName(spec)}\``,
    `\`${configName(spec)}\``,
    allowedValues(spec),
    formatDefault(spec) ?? "",
    `${spec.description}${danger}`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
