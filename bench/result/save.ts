import { constants } from "node:fs";
import { access, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { EcholotError } from "../../cli/errors.js";
import { RESULT_VERSION, type Result } from "./result.js";
import { resultSchema } from "./schema.js";

export const RESULTS_DIRECTORY = join("results", "local");
const RESULT_FILE = "result.json";

/** Characters that every file system takes, in any case and at any place of a name. */
const UNSAFE_IN_NAME = /[^a-z0-9]+/g;
const NAME_CHARACTERS = 40;

/** "20261123T013012Z-echo": sorts by time, and is safe as the name of a folder. */
export function resultId(startedAt: Date, name: string): string {
  const time = startedAt.toISOString().replace(/[-:]|\.\d+/g, "");
  const short = name
    .toLowerCase()
    .replace(UNSAFE_IN_NAME, "-")
    .slice(0, NAME_CHARACTERS)
    .replace(/^-+|-+$/g, "");
  return `${time}-${short === "" ? "run" : short}`;
}

/** Runs of one second that may share a name. */
const SAME_ID_LIMIT = 1_000;

/**
 * Saves a result under `directory`/<id>/result.json, whole or not at all, and never over another: where the id is
 * taken, the saved one gets a number behind it.
 * @returns the file's path
 * @throws EcholotError RESULT_UNWRITABLE
 */
export async function saveResult(result: Result, directory = RESULTS_DIRECTORY): Promise<string> {
  await prepareFolder(directory);
  try {
    const id = await claimFolder(directory, result.id);
    const folder = join(directory, id);
    try {
      return await writeWhole(join(folder, RESULT_FILE), `${JSON.stringify({ ...result, id }, null, 2)}\n`);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  } catch (cause) {
    throw unwritable(directory, cause);
  }
}

/**
 * Makes the folder for results and checks that it can be written to: better known before a run than after it.
 * @throws EcholotError RESULT_UNWRITABLE
 */
export async function prepareFolder(directory = RESULTS_DIRECTORY): Promise<void> {
  try {
    await makeFolder(resolve(directory));
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw unwritable(directory, cause);
  }
}

/** Like mkdir's `recursive`, which searches for ever where a folder exists in which none can be made (/proc). */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    if (code !== "ENOENT" || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path);
  }
}

function unwritable(directory: string, cause: unknown): EcholotError {
  return new EcholotError(
    "RESULT_UNWRITABLE",
    `cannot save the result under ${directory}: ${messageOf(cause)}`,
    "Check the folder's permissions and the space left, or name another folder.",
    { cause },
  );
}

/** Making a folder succeeds for one process only: whoever made it owns the id. */
async function claimFolder(directory: string, id: string): Promise<string> {
  for (let number = 1; number <= SAME_ID_LIMIT; number++) {
    const candidate = number === 1 ? id : `${id}-${number}`;
    try {
      await mkdir(join(directory, candidate));
      return candidate;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  throw new Error(`${id} and ${SAME_ID_LIMIT - 1} numbered ones after it exist`);
}

/** A reader sees the whole file or none: it gets its name once it is on the disk. */
async function writeWhole(path: string, text: string): Promise<string> {
  const unfinished = `${path}.${process.pid}.tmp`;
  const file = await open(unfinished, "wx");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
  return path;
}

/**
 * Reads a saved result, given its file or its folder.
 * @throws EcholotError RESULT_UNREADABLE
 */
export async function readResult(path: string): Promise<Result> {
  const file = await resultFile(path);
  let saved: unknown;
  try {
    saved = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    const why = cause instanceof SyntaxError ? "it is not JSON" : messageOf(cause);
    throw unreadable(file, why, NAME_A_RESULT, cause);
  }
  const { format, version } = (saved ?? {}) as { format?: unknown; version?: unknown };
  if (format !== "echolot-result") throw unreadable(file, 'its format is not "echolot-result"', NAME_A_RESULT);
  if (typeof version === "number" && version > RESULT_VERSION) {
    throw unreadable(
      file,
      `it has version ${version}, and this Echolot reads up to ${RESULT_VERSION}`,
      "Read it with the Echolot that wrote it (manifest.echolot in the file), or with a newer one.",
    );
  }
  const checked = resultSchema.safeParse(saved);
  if (checked.success) return checked.data;
  const { path: place, message } = checked.error.issues[0]!;
  throw unreadable(
    file,
    `${place.join(".")}: ${message}`,
    "The file was changed or cut after it was saved: use an unchanged copy, or run again.",
    checked.error,
  );
}

const NAME_A_RESULT = "Name a result.json that echolot load saved, or its folder.";

async function resultFile(path: string): Promise<string> {
  try {
    return (await stat(path)).isDirectory() ? join(path, RESULT_FILE) : path;
  } catch (cause) {
    throw unreadable(path, messageOf(cause), NAME_A_RESULT, cause);
  }
}

function unreadable(file: string, why: string, remedy: string, cause?: unknown): EcholotError {
  return new EcholotError("RESULT_UNREADABLE", `cannot read the result ${file}: ${why}`, remedy, { cause });
}

function messageOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
    case "EPERM":
      return "it is not allowed";
    case "ENOSPC":
      return "the disk is full";
    case "ENOTDIR":
    case "EEXIST":
      return "a file is in the way";
    default:
      return message;
  }
}
