import { type DestinationStream, destination, type Level, type Logger, pino } from "pino";

export type { Logger } from "pino";

export type LogLevel = Level | "silent";

/**
 * Pretty lines on a terminal, JSON lines elsewhere. Written synchronously in this thread: a log line is rare here,
 * and a worker thread would compete with the event loop for cores.
 */
export async function createLog(level: LogLevel, onTerminal: boolean): Promise<Logger> {
  return pino(
    {
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      base: { pid: process.pid },
      formatters: { level: (label) => ({ level: label }) },
    },
    onTerminal ? await prettyStream() : destination({ dest: 1, sync: true }),
  );
}

async function prettyStream(): Promise<DestinationStream> {
  const { default: pretty } = await import("pino-pretty");
  return pretty({ sync: true, singleLine: true, ignore: "pid", translateTime: "SYS:HH:MM:ss.l" });
}

/** The log of a server made from code that gives none. */
export function silentLog(): Logger {
  return pino({ level: "silent" });
}
