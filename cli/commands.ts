/** The commands: what each is for, how it is called, and how many arguments besides options it takes. */
export interface CommandText {
  readonly summary: string;
  /** What follows `echolot NAME` in the usage line. */
  readonly usage: string;
  /** The most arguments that are not options. */
  readonly positionals: number;
  readonly examples: readonly (readonly [command: string, does: string])[];
}

export const COMMANDS = {
  serve: {
    summary: "Runs the echo endpoint on :6666/ws, and on :8666/ws for browsers.",
    usage: "[options]",
    positionals: 0,
    examples: [
      ["echolot serve", "as in the article: ws://localhost:6666/ws"],
      ["echolot serve --heartbeat ping", "only a client's ping keeps a connection open"],
      ["echolot serve --port 0 --browser-port off", "one port, any free one"],
    ],
  },
  load: {
    summary: "Drives clients at a WebSocket server and says what it held, and how far to trust that.",
    usage: "[URL] [options]",
    positionals: 1,
    examples: [
      ["echolot load", "1,000 connections at an endpoint started for the run, as fast as it answers"],
      ["echolot load --rate 20000 --connections 10000", "latency at 20,000 messages a second"],
      ["echolot load ws://127.0.0.1:6666/ws --deflate --payload 1KiB", "a server that runs already, compressed"],
      ["echolot load --in-flight 10 --json > run.json", "the whole result, for a program to read"],
    ],
  },
} as const satisfies Record<string, CommandText>;

export type CommandName = keyof typeof COMMANDS;
