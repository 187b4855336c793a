import type { WebSocket } from "uWebSockets.js-20.51";
import type { CloseCause } from "./close-codes.js";

/**
 * What the server knows of a connection. The fields lie on the WebSocket object itself, which is the same one in each
 * callback: reading them there costs no call into C++.
 */
export interface SessionState {
  /** Its place in the heartbeat's arrays and in {@link Sessions}. */
  slot: number;
  /** Whether permessage-deflate was negotiated. */
  readonly deflates: boolean;
  /** Whether echoes wait for the peer to read; looked at before each send, set only when one had to wait. */
  backlogged: boolean;
  /** Why the server ended it; "peer" until it does. */
  cause: CloseCause;
}

export type Session = WebSocket<UpgradeData> & SessionState;

/** What the handshake hands over to the open connection. */
export type UpgradeData = Pick<SessionState, "deflates">;

/** The open connections by slot. */
export class Sessions {
  readonly #bySlot: (Session | undefined)[] = [];

  open(socket: WebSocket<UpgradeData>, slot: number): Session {
    const { deflates } = socket.getUserData();
    const state: SessionState = { slot, deflates, backlogged: false, cause: "peer" };
    const session = Object.assign(socket, state);
    this.#bySlot[slot] = session;
    return session;
  }

  close(session: Session): void {
    this.#bySlot[session.slot] = undefined;
  }

  at(slot: number): Session | undefined {
    return this.#bySlot[slot];
  }

  /** The slots of the sessions that are open now. */
  slots(): number[] {
    return this.#bySlot.flatMap((session) => (session === undefined ? [] : [session.slot]));
  }
}
