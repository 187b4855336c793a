/**
 * Messages that wait for their answer: one queue a connection, in order of sending, in arrays shared by all connections of
 * a process. A queue costs its connection two integers; a message costs 28 bytes while it waits, and no object.
 */

/** No entry: an empty queue's head, a last entry's next. */
export const NONE = -1;
/** A limit on the memory of a server that never answers: 8 million messages, 224 MB. */
const MAX_ENTRIES = 8 << 20;

export class Outstanding {
  next: Int32Array;
  /** When it was written, ns. */
  sentNs: Float64Array;
  /** When it should have been written, ns. */
  intendedNs: Float64Array;
  /** Its place in its connection's order of sending, from 0. */
  sequence: Float64Array;
  #free = NONE;
  #capacity: number;
  #size = 0;

  constructor(capacity = 1_024) {
    this.#capacity = capacity;
    this.next = new Int32Array(capacity);
    this.sentNs = new Float64Array(capacity);
    this.intendedNs = new Float64Array(capacity);
    this.sequence = new Float64Array(capacity);
    this.#chain(0);
  }

  /** Messages that wait, over all connections. */
  get size(): number {
    return this.#size;
  }

  get full(): boolean {
    return this.#size >= MAX_ENTRIES;
  }

  /** Takes an entry; the caller links it. */
  take(sequence: number, intendedNs: number, sentNs: number): number {
    if (this.#free === NONE) this.#grow();
    const entry = this.#free;
    this.#free = this.next[entry]!;
    this.next[entry] = NONE;
    this.sequence[entry] = sequence;
    this.intendedNs[entry] = intendedNs;
    this.sentNs[entry] = sentNs;
    this.#size++;
    return entry;
  }

  release(entry: number): void {
    this.next[entry] = this.#free;
    this.#free = entry;
    this.#size--;
  }

  #chain(from: number): void {
    for (let i = from; i < this.#capacity - 1; i++) this.next[i] = i + 1;
    this.next[this.#capacity - 1] = NONE;
    this.#free = from;
  }

  #grow(): void {
    const before = this.#capacity;
    this.#capacity = before * 2;
    this.next = grown(this.next, new Int32Array(this.#capacity));
    this.sentNs = grown(this.sentNs, new Float64Array(this.#capacity));
    this.intendedNs = grown(this.intendedNs, new Float64Array(this.#capacity));
    this.sequence = grown(this.sequence, new Float64Array(this.#capacity));
    this.#chain(before);
  }
}

function grown<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
