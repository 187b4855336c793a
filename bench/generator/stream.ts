import { compressMessage } from "../protocol/deflate.js";
import { FIN, headerBytes, maskedFrameBytes, OPCODE, RSV1, writeHeader, writeMaskedFrame } from "../protocol/frame.js";
import type { Scenario } from "../scenario/scenario.js";
import { type Random, seededRandom } from "./random.js";

/**
 * The messages that every connection sends, prepared once: a cycle of different payloads, as masked client frames laid
 * end to end, and as the unmasked frames that an exact echo must answer with. A connection is a position in the cycle.
 *
 * Each payload begins with its index in the cycle, so that an answer out of order is told from a corrupt one.
 */

/** The index's alphabet, valid in text and binary alike: 6 bits a byte. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const DIGIT = new Int8Array(256).fill(-1);
for (let i = 0; i < 64; i++) DIGIT[ALPHABET.charCodeAt(i)] = i;
/** 24 bits: more than the longest cycle needs, so that a flipped bit seldom makes another valid index. */
const TAG_BYTES = 4;
const LONGEST_CYCLE = 4_096;
/** What the prepared payloads may take together; larger payloads get a shorter cycle... */
const CYCLE_BYTES = 1 << 20;
/** ...but one that is twice as long as what is in flight, so that an index tells which message it is, within this. */
const MOST_CYCLE_BYTES = 64 << 20;

const WORDS =
  "alpha user status pending order price EURUSD message delivered room timestamp queue east west running failed".split(
    " ",
  );

export class MessageStream {
  /** Messages in the cycle. */
  readonly length: number;
  readonly opcode: number;
  readonly payloadBytes: number;
  /** Payloads as sent and expected back. */
  readonly payloads: Buffer[];
  /** Bytes of one frame of an exact, uncompressed, unfragmented echo: the same for all. */
  readonly echoFrameBytes: number;
  /** Those frames end to end, repeated until any read of `maxReadBytes` from any offset of the first cycle lies inside. */
  readonly echo: Buffer;
  /** Bytes of one cycle of {@link echo}. */
  readonly echoCycleBytes: number;
  readonly deflate: boolean;
  readonly #frames: Buffer;
  /** Offset of each message's frame in `#frames`; with the batch's length more entries than messages, to run over the end. */
  readonly #offsets: Float64Array;
  /** Slices handed out before, by batch size and position: a slice object costs more than looking it up. */
  readonly #slices: (Buffer | undefined)[][];

  /**
   * @param maxBatch     most messages that {@link frames} is asked for at once
   * @param maxReadBytes most bytes of {@link echo} that are compared at once
   * @param inFlight     messages that a connection has unanswered at once, where that is known
   */
  constructor(
    scenario: Pick<Scenario, "payloadBytes" | "payloadType" | "deflate" | "seed">,
    maxBatch: number,
    maxReadBytes: number,
    inFlight = 1,
  ) {
    const random = seededRandom(scenario.seed);
    this.payloadBytes = scenario.payloadBytes;
    this.deflate = scenario.deflate;
    this.opcode = scenario.payloadType === "text" ? OPCODE.text : OPCODE.binary;
    const distinct = 64 ** Math.min(TAG_BYTES, scenario.payloadBytes);
    const fitting = (bytes: number) => 2 ** Math.floor(Math.log2(bytes / Math.max(1, scenario.payloadBytes)));
    const wanted = Math.max(4, 2 ** Math.ceil(Math.log2(2 * inFlight)));
    const affordable = Math.max(4, fitting(CYCLE_BYTES), Math.min(wanted, fitting(MOST_CYCLE_BYTES)));
    this.length = Math.min(LONGEST_CYCLE, distinct, affordable);
    this.payloads = Array.from({ length: this.length }, (_, index) => makePayload(index, scenario, random));

    const firstByte = FIN | this.opcode | (this.deflate ? RSV1 : 0);
    const bodies = this.deflate ? this.payloads.map(compressMessage) : this.payloads;
    this.#offsets = new Float64Array(this.length + maxBatch + 1);
    for (let i = 0; i < this.#offsets.length - 1; i++)
      this.#offsets[i + 1] = this.#offsets[i]! + maskedFrameBytes(bodies[i % this.length]!.length);
    this.#frames = Buffer.allocUnsafe(this.#offsets[this.#offsets.length - 1]!);
    let at = 0;
    for (let i = 0; i < this.#offsets.length - 1; i++) {
      // A masking key of its own for each frame (RFC 6455, 5.3); it comes again when the cycle does.
      if (i < this.length) at = writeMaskedFrame(this.#frames, at, firstByte, bodies[i]!, random());
      else
        at += this.#frames.copy(
          this.#frames,
          at,
          this.#offsets[i % this.length]!,
          this.#offsets[(i % this.length) + 1]!,
        );
    }

    this.echoFrameBytes = headerBytes(this.payloadBytes) + this.payloadBytes;
    this.echoCycleBytes = this.echoFrameBytes * this.length;
    this.echo = this.deflate ? Buffer.alloc(0) : this.#layEcho(maxReadBytes);
    this.#slices = Array.from({ length: Math.min(maxBatch, 64) + 1 }, () => []);
  }

  #layEcho(maxReadBytes: number): Buffer {
    const echo = Buffer.allocUnsafe(this.echoCycleBytes + maxReadBytes);
    let at = 0;
    for (const payload of this.payloads) {
      at = writeHeader(echo, at, FIN | this.opcode, payload.length, 0);
      at += payload.copy(echo, at);
    }
    for (; at < echo.length; ) at += echo.copy(echo, at, 0, Math.min(at, echo.length - at));
    return echo;
  }

  /** Masked frames of `count` messages from position `position` on, as one piece of memory. */
  frames(position: number, count: number): Buffer {
    const cached = this.#slices[count]?.[position];
    if (cached !== undefined) return cached;
    const slice = this.#frames.subarray(this.#offsets[position]!, this.#offsets[position + count]!);
    const row = this.#slices[count];
    if (row !== undefined) row[position] = slice;
    return slice;
  }

  /** Index that a payload claims to have, or -1 where it carries none of this cycle. */
  claimedIndex(payload: Buffer): number {
    const digits = Math.min(TAG_BYTES, this.payloadBytes);
    if (payload.length < digits) return -1;
    let index = 0;
    for (let i = 0; i < digits; i++) {
      const digit = DIGIT[payload[i]!]!;
      if (digit < 0) return -1;
      index = index * 64 + digit;
    }
    return index < this.length ? index : -1;
  }

  /** Bytes in which `payload` differs from that of message `index`; a byte too many or too few is one. */
  differingBytes(index: number, payload: Buffer): number {
    const right = this.payloads[index]!;
    const both = Math.min(right.length, payload.length);
    let differing = Math.abs(right.length - payload.length);
    for (let i = 0; i < both; i++) if (right[i] !== payload[i]) differing++;
    return differing;
  }

  /** True when `payload` may be a corrupt copy of message `index`: as long, or cut short, or at least half of it right. */
  isLike(index: number, payload: Buffer): boolean {
    const right = this.payloads[index]!;
    if (payload.length === right.length || payload.equals(right.subarray(0, payload.length))) return true;
    return this.differingBytes(index, payload) * 2 <= right.length;
  }

  /** True when `payload` is that of message `index`, byte for byte. */
  isPayload(index: number, payload: Buffer): boolean {
    return payload.equals(this.payloads[index]!);
  }
}

function makePayload(
  index: number,
  scenario: Pick<Scenario, "payloadBytes" | "payloadType" | "deflate">,
  random: Random,
): Buffer {
  const payload = Buffer.allocUnsafe(scenario.payloadBytes);
  if (scenario.deflate) fillJson(payload, random);
  else if (scenario.payloadType === "text")
    for (let i = 0; i < payload.length; i++) payload[i] = ALPHABET.charCodeAt(random() & 63);
  else for (let i = 0; i < payload.length; i++) payload[i] = random() & 255;
  const digits = Math.min(TAG_BYTES, payload.length);
  for (let i = 0; i < digits; i++) payload[i] = ALPHABET.charCodeAt(Math.floor(index / 64 ** (digits - 1 - i)) & 63);
  return payload;
}

/** JSON-like text with varying numbers and words: what compression meets in practice. */
function fillJson(payload: Buffer, random: Random): void {
  const word = () => WORDS[random() % WORDS.length]!;
  let at = TAG_BYTES;
  while (at < payload.length) {
    const item = `{"id":${random() % 1_000_000},"name":"${word()}-${word()}","value":${random() % 10_000}.${random() % 100},"ok":${(random() & 1) === 1}},`;
    at += payload.write(item, at, "latin1");
  }
}
