import { readdirSync, readFileSync } from "node:fs";

/** The text of a file of /proc or /sys; null where there is none, its process has ended, or it may not be read. */
export function readProcFile(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** The names in a folder of /proc; none where it is not there or may not be read. */
export function listProcFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
