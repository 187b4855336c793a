import { EXIT } from "../../cli/errors.js";
import type { Verdict } from "./result.js";

/** A void run says nothing about the server, so its code goes before a fault's. */
export function exitCode({ kind, faulty }: Verdict): number {
  if (kind === "void") return EXIT.void;
  return faulty ? EXIT.failed : EXIT.ok;
}
