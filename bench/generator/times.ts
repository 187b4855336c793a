import { type SparseCounts, Tally } from "../recorder/tally.js";

/**
 * One kind of time (response, service, lag) of a process: the distribution of the measured window, and that of the
 * current second for the progress line and the course over time. Each value is counted once: in the second's tally,
 * inside or outside the window, and moved on at the second's end.
 */
export class Times {
  readonly #window = new Tally();
  readonly #secondInside = new Tally();
  readonly #secondOutside = new Tally();

  record(valueNs: number, count: number, insideWindow: boolean): void {
    if (insideWindow) this.#secondInside.record(valueNs, count);
    else this.#secondOutside.record(valueNs, count);
  }

  /** The distribution of the second that ends now. */
  endSecond(): SparseCounts {
    const inside = this.#secondInside.toSparse();
    const outside = this.#secondOutside.toSparse();
    this.#window.absorb(this.#secondInside);
    this.#secondOutside.clear();
    if (inside.length === 0) return outside;
    if (outside.length === 0) return inside;
    const both = new Float64Array(inside.length + outside.length);
    both.set(inside);
    both.set(outside, inside.length);
    return both;
  }

  /** The distribution of the window so far. */
  window(): SparseCounts {
    this.#window.absorb(this.#secondInside);
    return this.#window.toSparse();
  }
}
