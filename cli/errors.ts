/**
 * What a user can meet: a stable code, the fact, the remedy, and the exit code it ends with.
 * docs/ERRORS.md is generated from the table below.
 */

/** Exit codes of every command. */
export const EXIT = {
  /** Done; for a run: valid or suspect, and nothing lost. */
  ok: 0,
  /** The server lost, damaged, duplicated or invented messages. */
  failed: 1,
  /** The command line, the environment, the config file or the machine's set-up does not allow the command. */
  usage: 2,
  /** The run's figures cannot be trusted. */
  void: 3,
  /** An error of Echolot's own. */
  internal: 70,
} as const;

export const ERRORS = {
  OPTION_UNKNOWN: { exit: EXIT.usage, meaning: "A flag or config key that no option has." },
  OPTION_INVALID: { exit: EXIT.usage, meaning: "An option's value is not of its kind or not within its range." },
  OPTION_CONFLICT: { exit: EXIT.usage, meaning: "Two options that exclude each other are both set." },
  CONFIG_UNREADABLE: { exit: EXIT.usage, meaning: "The config file cannot be read or is not JSON." },
  COMMAND_UNKNOWN: { exit: EXIT.usage, meaning: "No command has that name." },
  NATIVE_UNAVAILABLE: {
    exit: EXIT.usage,
    meaning: "No uWebSockets.js binary fits this Node, ABI, platform or C library.",
  },
  PORT_IN_USE: { exit: EXIT.usage, meaning: "Another program listens on the port." },
  LISTEN_FAILED: { exit: EXIT.usage, meaning: "The address cannot be listened on." },
  TARGET_INVALID: { exit: EXIT.usage, meaning: "The target is not a ws:// URL." },
  TARGET_UNRESOLVED: { exit: EXIT.void, meaning: "The target's name has no address." },
  TARGET_START_FAILED: { exit: EXIT.void, meaning: "The server under test did not start." },
  PLAN_IMPOSSIBLE: { exit: EXIT.usage, meaning: "This machine's limits do not allow the run." },
  SCENARIO_INVALID: { exit: EXIT.usage, meaning: "A scenario has a field of the wrong kind or range." },
  RESULT_UNREADABLE: { exit: EXIT.usage, meaning: "A saved result cannot be read, or is of an unknown version." },
  RESULT_UNWRITABLE: { exit: EXIT.usage, meaning: "A result cannot be saved." },
  INTERNAL: { exit: EXIT.internal, meaning: "A fault of Echolot itself." },
} as const satisfies Record<string, { exit: number; meaning: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** An error for a person: what is the case, and what to do about it. Printed without a stack trace. */
export class EcholotError extends Error {
  override readonly name = "EcholotError";
  readonly code: ErrorCode;
  readonly remedy: string;

  /**
   * @param code   stable code, a key of {@link ERRORS}
   * @param fact   what is the case, in one sentence, with the value that caused it
   * @param remedy what the person can do
   */
  constructor(code: ErrorCode, fact: string, remedy: string, options?: ErrorOptions) {
    super(fact, options);
    this.code = code;
    this.remedy = remedy;
  }

  get exitCode(): number {
    return ERRORS[this.code].exit;
  }
}
