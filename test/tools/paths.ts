import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout; the compiled tests lie in its dist/test/. */
export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** What tests build or install for themselves, kept between runs. */
export const BUILT = join(ROOT, "dist", "test-tools");
/** The `echolot` command. */
export const ECHOLOT = join(ROOT, "dist", "bin", "echolot.js");
