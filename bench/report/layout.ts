/** Lines of styled text for a terminal: measured in columns, wrapped at words, coloured last. */

export type Style = "plain" | "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

export interface Span {
  readonly text: string;
  readonly style: Style;
}

export type Line = readonly Span[];

export function span(text: string, style: Style = "plain"): Span {
  return { text, style };
}

/** Control, format and unassigned characters: text that came from a server must not steer the terminal. */
const UNPRINTABLE = /[\p{C}\u2028\u2029]/gu;

export function printable(text: string): string {
  return text.replace(UNPRINTABLE, "\ufffd");
}

/** Marks that stand over or under the character before them. */
const NO_COLUMN = /^\p{M}$/u;
/** East Asian wide and fullwidth characters (Unicode UAX 11) and emoji take two columns. */
const TWO_COLUMNS =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u;

/** Columns that a terminal gives the text. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += columnsOfCharacter(character);
  return columns;
}

function columnsOfCharacter(character: string): number {
  if (character <= "~") return 1;
  if (NO_COLUMN.test(character)) return 0;
  return TWO_COLUMNS.test(character) ? 2 : 1;
}

interface Cell {
  readonly character: string;
  readonly style: Style;
}

/**
 * Text in lines of at most `width` columns, broken at spaces; a word longer than a line is cut.
 * @param label  stands before the first line
 * @param indent columns before the text of each line, the label's included
 */
export function flow(spans: readonly Span[], layout: { width: number; indent: number; label?: Span }): Line[] {
  const cells = spans.flatMap(({ text, style }) => [...printable(text)].map((character) => ({ character, style })));
  const lines: Line[] = [];
  const { width, indent, label = span("") } = layout;
  let start = 0;
  do {
    const end = lineEnd(cells, start, width - indent);
    const before = lines.length === 0 ? label : span("");
    const gap = " ".repeat(Math.max(0, indent - columnsOf(before.text)));
    lines.push([before, span(gap), ...joined(cells.slice(start, end))]);
    start = end;
    while (cells[start]?.character === " ") start++;
  } while (start < cells.length);
  return lines;
}

/** Columns before the lines that go on with a wrapped one. */
const HANGING_COLUMNS = 2;

/** Plain text broken at words into lines of at most `width` columns; those after the first are indented. */
export function wrapLine(text: string, width: number): string {
  const lines = flow([span(text)], { width: width - HANGING_COLUMNS, indent: 0 });
  return lines.map((line) => paint(line, false)).join(`\n${" ".repeat(HANGING_COLUMNS)}`);
}

/** Where the line that begins at `start` ends: before the last space that fits. */
function lineEnd(cells: readonly Cell[], start: number, columns: number): number {
  let used = 0;
  let lastSpace = -1;
  for (let at = start; at < cells.length; at++) {
    if (cells[at]!.character === " " && !joinsUnit(cells, at)) lastSpace = at;
    used += columnsOfCharacter(cells[at]!.character);
    if (used > columns) {
      if (lastSpace > start) return lastSpace;
      return Math.max(at, start + 1);
    }
  }
  return cells.length;
}

const UNITS = /^(ns|µs|ms|s|min|h|B|KiB|MiB|GiB|TiB|messages?\/s)(?![\p{L}\d])/u;
const LONGEST_UNIT = 11;

/** True for the space between a number and its unit. */
function joinsUnit(cells: readonly Cell[], at: number): boolean {
  if (!/\d/.test(cells[at - 1]?.character ?? "")) return false;
  const after = cells.slice(at + 1, at + 1 + LONGEST_UNIT).map(({ character }) => character);
  return UNITS.test(after.join(""));
}

function joined(cells: readonly Cell[]): Span[] {
  const spans: Span[] = [];
  for (const { character, style } of cells) {
    const last = spans.at(-1);
    if (last?.style === style) spans[spans.length - 1] = span(last.text + character, style);
    else spans.push(span(character, style));
  }
  return spans;
}

/** Rows of equal length in columns as wide as their content: the first to the left, the others to the right. */
export function table(rows: readonly (readonly Span[])[], layout: { indent: number; gap: number }): Line[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => columnsOf(row[column]!.text))));
  return rows.map((row) => [
    span(" ".repeat(layout.indent)),
    ...row.flatMap((cell, column) => {
      const padding = " ".repeat(widths[column]! - columnsOf(cell.text));
      return column === 0 ? [cell, span(padding)] : [span(" ".repeat(layout.gap) + padding), cell];
    }),
  ]);
}

/** Up to seven eighths: a full block would run into the line above. */
const BARS = "▁▂▃▄▅▆▇";

/** One character a value, as high as its share of `most`; a missing value is a blank. */
export function sparkline(values: readonly (number | null)[], most: number): string {
  return values
    .map((value) => {
      if (value === null) return " ";
      const level = most > 0 ? Math.round((value / most) * (BARS.length - 1)) : 0;
      return BARS[Math.min(BARS.length - 1, Math.max(0, level))];
    })
    .join("");
}

/** SGR parameters (ECMA-48, 8.3.117). */
const SGR: Readonly<Record<Style, string>> = {
  plain: "",
  bold: "1",
  dim: "2",
  red: "1;31",
  green: "1;32",
  yellow: "1;33",
  cyan: "36",
};

export function paint(line: Line, color: boolean): string {
  const text = line
    .map(({ text, style }) => (color && text !== "" && style !== "plain" ? `\x1b[${SGR[style]}m${text}\x1b[0m` : text))
    .join("");
  return color ? text : text.trimEnd();
}
