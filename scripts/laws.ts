/** Checks the laws that docs/ARCHITECTURE.md states: who may import whom, and what no source may hold. */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * What each part of the project may import of the project, besides itself. A part of `bench` is one of its folders,
 * its order is the pipeline's; an entry "bench" allows the whole harness.
 */
export const ALLOWED_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  cli: [],
  src: ["cli"],
  bin: ["cli", "src", "bench/commands", "bench/index"],
  scripts: ["cli", "src", "bench"],
  "bench/scenario": ["cli", "bench/protocol"],
  "bench/plan": ["cli", "bench/scenario"],
  "bench/protocol": [],
  "bench/recorder": [],
  "bench/generator": ["cli", "bench/scenario", "bench/plan", "bench/protocol", "bench/recorder"],
  "bench/target": ["cli", "bench/plan"],
  "bench/result": ["cli", "bench/scenario", "bench/plan", "bench/recorder"],
  "bench/statistics": ["bench/result"],
  "bench/report": ["bench/result"],
  "bench/commands": ["cli", "bench"],
  "bench/micro": ["bench"],
  "bench/yardstick": [],
  "bench/load": ["cli", "bench"],
  "bench/index": ["cli", "bench"],
};

const ROOT_FOLDERS = ["bin", "cli", "src", "bench", "scripts", "test"];
const SOURCE_FILE = /\.(ts|mjs|cjs|go|c|html|sh)$/;

export interface Source {
  /** Relative to the root, with `/` between the parts. */
  readonly path: string;
  readonly text: string;
}

export interface Breach {
  readonly path: string;
  readonly line: number;
  readonly law: string;
}

/** @returns every source under `root`, dependencies and compiled output left out, and the CI script */
export function readSources(root: string): Source[] {
  const paths = ROOT_FOLDERS.filter((folder) => existsSync(posix.join(root, folder))).flatMap((folder) =>
    readdirSync(posix.join(root, folder), { recursive: true, encoding: "utf8" })
      .map((path) => posix.join(folder, path.replaceAll("\\", "/")))
      .filter((path) => SOURCE_FILE.test(path) && !path.includes("node_modules/")),
  );
  if (existsSync(posix.join(root, ".ci/run"))) paths.push(".ci/run");
  return paths.sort().map((path) => ({ path, text: readFileSync(posix.join(root, path), "utf8") }));
}

/** Imports of the project by the project that {@link ALLOWED_IMPORTS} does not allow; tests may import anything. */
export function importBreaches(sources: readonly Source[]): Breach[] {
  return sources
    .filter(({ path }) => path.endsWith(".ts") && !path.startsWith("test/"))
    .flatMap(({ path, text }) => {
      const importer = partOf(path);
      const allowed = ALLOWED_IMPORTS[importer];
      if (allowed === undefined) return [{ path, line: 1, law: `no import law names ${importer}` }];
      return importedModules(text).flatMap(({ specifier, line }) => {
        if (/^echolot(\/|$)/.test(specifier)) return [{ path, line, law: `"${specifier}" hides what it imports` }];
        if (!specifier.startsWith(".")) return [];
        const imported = partOf(posix.join(posix.dirname(path), specifier));
        const lawful = imported === importer || allowed.some((part) => isWithin(imported, part));
        return lawful ? [] : [{ path, line, law: `${importer} may not import ${imported}` }];
      });
    });
}

/** Names and texts that the house rules forbid in every source. */
export function styleBreaches(sources: readonly Source[]): Breach[] {
  const laws: readonly (readonly [law: string, pattern: RegExp])[] = [
    // Written so that this line does not break its own law.
    ["unfinished work is an issue, not a comment", /\b(?:TO{1}DO|FIX{1}ME)\b/],
    ["an export has a name", /^export default\b|^export \{[^}]*\bas default\b/],
    ["a path of one machine", /(?<![\w.])\/(?:root|home|work|tmp)\//],
  ];
  return sources.flatMap(({ path, text }) => {
    const name = /(^|[/._-])(utils?|helpers?)([._-]|\/|$)/.test(path)
      ? [{ path, line: 1, law: "a file is named by what it does" }]
      : [];
    const lines = text
      .split("\n")
      .flatMap((content, index) =>
        laws.filter(([, pattern]) => pattern.test(content)).map(([law]) => ({ path, line: index + 1, law })),
      );
    return [...name, ...lines];
  });
}

/** `bench/report/html.ts` is of `bench/report`, `bench/index.ts` of `bench/index`, `src/http/page.ts` of `src`. */
function partOf(path: string): string {
  const [folder = "", next = ""] = path.split("/");
  return folder === "bench" ? `bench/${next.replace(/\.[jt]s$/, "")}` : folder;
}

function isWithin(part: string, folder: string): boolean {
  return part === folder || part.startsWith(`${folder}/`);
}

/** What a TypeScript text imports, statically, as types, by `import()` and by `export ... from`. */
function importedModules(text: string): { specifier: string; line: number }[] {
  const code = blankComments(text);
  const imports = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)(["'])([^"'\n]+)\1/g;
  return [...code.matchAll(imports)].map((match) => ({
    specifier: match[2] as string,
    line: code.slice(0, match.index).split("\n").length,
  }));
}

/** Comments become line breaks alone; what looks like a comment within a string stays. */
function blankComments(text: string): string {
  const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;
  return text.replace(token, (found) => (found.startsWith("/") ? found.replace(/[^\n]/g, "") : found));
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const sources = readSources(fileURLToPath(new URL("../..", import.meta.url)));
  const breaches = [...importBreaches(sources), ...styleBreaches(sources)];
  for (const { path, line, law } of breaches) process.stdout.write(`${path}:${line} ${law}\n`);
  process.stdout.write(`laws: ${sources.length} sources, ${breaches.length} breaches\n`);
  process.exitCode = breaches.length === 0 ? 0 : 1;
}
