/**
 * Who has been silent for too long: a timer wheel over typed arrays. A sign of life is one store,
 * `lastSeenTick[slot] = tick`; a connection costs 12 bytes and no timer of its own.
 *
 * A connection waits in the bucket of the tick at which it must be looked at. When that tick comes, its last sign of
 * life decides: it is put into a later bucket, pinged, or expired. So traffic never moves anything.
 */
export interface HeartbeatTimes {
  readonly timeoutMs: number;
  /** Silence after which the connection is pinged; undefined: never. */
  readonly pingAfterMs?: number;
}

export interface HeartbeatEvents {
  ping(slot: number): void;
  /** The slot is still held; the owner closes the connection and calls `remove`. */
  expire(slot: number): void;
}

const NONE = -1;
/** In `#previous`, where the first slot of a bucket has ~bucket. */
const UNLINKED = -(2 ** 31);
const SMALLEST_TICK_MS = 50;
const MOST_TICKS = 2_000;

export class Heartbeat {
  /** How often `advance` should be called. */
  readonly tickMs: number;
  /** The time now; what a sign of life stores. */
  tick = 0;
  /** By slot; replaced when the arrays grow, so it must be read through this object. */
  lastSeenTick: Uint32Array;

  readonly #events: HeartbeatEvents;
  readonly #timeoutTicks: number;
  readonly #pingAfterTicks: number;
  readonly #longestStepMs: number;
  readonly #firstInBucket: Int32Array;
  #next: Int32Array;
  #previous: Int32Array;
  #firstFree = NONE;
  #slotsUsed = 0;
  #elapsedMs = 0;
  #lastNowMs: number;
  #doneTick = 0;

  constructor(times: HeartbeatTimes, events: HeartbeatEvents, nowMs: number, capacity = 1024) {
    this.tickMs = Math.max(SMALLEST_TICK_MS, Math.ceil(times.timeoutMs / MOST_TICKS));
    // One tick more, because a sign of life is stamped with the tick that began before it: never early.
    this.#timeoutTicks = Math.ceil(times.timeoutMs / this.tickMs) + 1;
    this.#pingAfterTicks = times.pingAfterMs === undefined ? NONE : Math.ceil(times.pingAfterMs / this.tickMs);
    this.#longestStepMs = Math.max(2 * this.tickMs, times.timeoutMs / 10);
    this.#events = events;
    this.#lastNowMs = nowMs;
    this.#firstInBucket = new Int32Array(2 * this.#timeoutTicks).fill(NONE);
    this.lastSeenTick = new Uint32Array(capacity);
    this.#next = new Int32Array(capacity).fill(NONE);
    this.#previous = new Int32Array(capacity).fill(UNLINKED);
  }

  /** A slot for a new connection, seen now. */
  add(): number {
    let slot = this.#firstFree;
    if (slot === NONE) {
      slot = this.#slotsUsed++;
      if (slot === this.#next.length) this.#grow();
    } else {
      this.#firstFree = this.#next[slot];
    }
    this.lastSeenTick[slot] = this.tick;
    this.#link(slot, this.tick + this.#firstWaitTicks());
    return slot;
  }

  remove(slot: number): void {
    this.#unlink(slot);
    this.#next[slot] = this.#firstFree;
    this.#firstFree = slot;
  }

  /**
   * Moves the time on. A step longer than a tenth of the time-out counts as a tenth: it means that this process
   * stood still (a stopped process, a suspended machine), which says nothing about the peers.
   */
  advance(nowMs: number): void {
    this.#elapsedMs += Math.min(nowMs - this.#lastNowMs, this.#longestStepMs);
    this.#lastNowMs = nowMs;
    this.tick = Math.floor(this.#elapsedMs / this.tickMs);
  }

  /** Pings and expires what is due. To be called after the sockets were read, so that what waits in them counts. */
  expireDue(): void {
    while (this.#doneTick < this.tick) {
      const bucket = ++this.#doneTick % this.#firstInBucket.length;
      for (let slot = this.#firstInBucket[bucket]; slot !== NONE; slot = this.#firstInBucket[bucket]) {
        this.#unlink(slot);
        this.#decide(slot);
      }
    }
  }

  #decide(slot: number): void {
    const lastSeen = this.lastSeenTick[slot];
    const silentTicks = this.#doneTick - lastSeen;
    if (silentTicks >= this.#timeoutTicks) {
      this.#events.expire(slot);
    } else if (silentTicks < this.#firstWaitTicks()) {
      this.#link(slot, lastSeen + this.#firstWaitTicks());
    } else {
      this.#link(slot, lastSeen + this.#timeoutTicks);
      this.#events.ping(slot);
    }
  }

  #firstWaitTicks(): number {
    return this.#pingAfterTicks === NONE ? this.#timeoutTicks : this.#pingAfterTicks;
  }

  #link(slot: number, tick: number): void {
    const bucket = tick % this.#firstInBucket.length;
    const next = this.#firstInBucket[bucket];
    this.#next[slot] = next;
    this.#previous[slot] = ~bucket;
    if (next !== NONE) this.#previous[next] = slot;
    this.#firstInBucket[bucket] = slot;
  }

  #unlink(slot: number): void {
    const previous = this.#previous[slot];
    if (previous === UNLINKED) return;
    const next = this.#next[slot];
    if (previous < 0) this.#firstInBucket[~previous] = next;
    else this.#next[previous] = next;
    if (next !== NONE) this.#previous[next] = previous;
    this.#previous[slot] = UNLINKED;
  }

  #grow(): void {
    const capacity = 2 * this.#next.length;
    this.lastSeenTick = copyInto(new Uint32Array(capacity), this.lastSeenTick);
    this.#next = copyInto(new Int32Array(capacity).fill(NONE), this.#next);
    this.#previous = copyInto(new Int32Array(capacity).fill(UNLINKED), this.#previous);
  }
}

function copyInto<T extends Uint32Array | Int32Array>(larger: T, smaller: T): T {
  larger.set(smaller);
  return larger;
}
