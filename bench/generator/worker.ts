import { Generator } from "./generator.js";
import type { FromWorker, ToWorker } from "./messages.js";

/** A generator process: does what the coordinator says, and ends with it. */

let generator: Generator | null = null;

function tell(message: FromWorker): void {
  process.send?.(message);
}

async function obey(message: ToWorker): Promise<void> {
  switch (message.type) {
    case "prepare":
      generator = new Generator(message.job, {
        onConnecting: (established, failed) => tell({ type: "connecting", established, failed }),
        onInterval: (interval) => tell({ type: "interval", interval }),
      });
      return tell({ type: "prepared" });
    case "connect":
      return tell({ type: "connected", ...(await generator!.connect(message.startNs)) });
    case "load": {
      const report = await generator!.load(message.timetable, message.ratePerSecond, message.offset);
      const done: FromWorker = { type: "done", report };
      process.send?.(done, undefined, {}, () => process.disconnect());
      return;
    }
    case "interrupt":
      return generator?.interrupt();
    case "abort":
      return generator?.abort();
  }
}

process.on("message", (message: ToWorker) => void obey(message));
// Ctrl-C reaches every process of a terminal; the coordinator decides what it means.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.on("disconnect", () => process.exit(0));
