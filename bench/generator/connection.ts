import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { DEFLATE_OFFER, decompressMessage, deflateRefusal } from "../protocol/deflate.js";
import { closeBody, FIN, maskedFrame, OPCODE, readCloseBody } from "../protocol/frame.js";
import { acceptFor, handshakeRequest, readHandshakeResponse } from "../protocol/handshake.js";
import { type MessageHandler, MessageParser } from "../protocol/parser.js";
import type { Generator } from "./generator.js";
import { NONE } from "./outstanding.js";

/**
 * One WebSocket connection that sends its part of the stream and checks every answer.
 *
 * Exact path: while the server answers in order, in single uncompressed frames, a read must continue the prepared echo
 * stream, so one native compare checks all of its bytes and the number of answers follows from its length.
 * Parsed path: anything else (another order or fragmentation, a control frame, compression, a corrupt byte) is parsed frame
 * by frame and matched by the index in each payload. The connection returns to the exact path as soon as it is in step.
 */

/** How far back an answer's message may lie to count as answered twice and not as somebody else's. */
const DUPLICATE_WINDOW = 64;
/** A server that does not close its end after the closing handshake (RFC 6455, 7.1.1) is left by then. */
export const CLOSE_TIMEOUT_MS = 2_000;

const NO_CLOSE_FRAME = "ended without a close frame";

/** A ping flood is answered while no more than this waits to be written. */
const PONG_BACKLOG_BYTES = 64 * 1024;
/** How many cycles back a message of the same index is looked for. */
const CYCLES_BACK = 1_024;

/** Entries by sequence, oldest first. */
export type PassedOver = Map<number, number>;

export type ConnectionState = "new" | "connecting" | "open" | "closing" | "closed";

export class Connection implements MessageHandler {
  state: ConnectionState = "new";
  /** First and last of the messages that wait for their answer in order, entries of the generator's Outstanding. */
  head = NONE;
  tail = NONE;
  waiting = 0;
  /** Entries that a later answer passed over: they may still come, and hold their place in a closed loop. */
  stragglers: PassedOver | null = null;
  /** Entries unanswered for the message time-out: they may still come, and a closed loop has gone on without them. */
  overdue: PassedOver | null = null;
  /** Why the connection ended before it was asked to; null while it did not. */
  ending: string | null = null;

  readonly #generator: Generator;
  /** Where in the stream's cycle its first message lies: different for each, so that a foreign answer shows. */
  readonly #phase: number;
  #socket: Socket | null = null;
  /** Messages sent: the next one's sequence. */
  #sent = 0;
  /** Next message's place in the cycle. */
  #sendPosition: number;
  #exact: boolean;
  /** Offset in the echo stream of the next byte expected, and how far into its frame that is. */
  #echoOffset: number;
  #echoPart = 0;
  /** Parsed path: one more than the highest sequence answered (NextExp of RFC 4737, 3.3). */
  #nextExpected = 0;
  #parser: MessageParser | null = null;
  #closeSeen = false;
  #readNs = 0;
  /** Closed loop: answers of this read, each of which lets a message go. */
  #freed = 0;
  #handshake: { accept: string; received: Buffer; startNs: number; timer: NodeJS.Timeout } | null = null;

  constructor(generator: Generator, phase: number) {
    this.#generator = generator;
    this.#phase = phase;
    this.#sendPosition = phase;
    this.#exact = !generator.stream.deflate;
    this.#echoOffset = phase * generator.stream.echoFrameBytes;
  }

  /** Opens the connection; `settled` is called once, when the handshake has succeeded (null) or failed (its reason). */
  open(localAddress: string | undefined, settled: (failure: string | null) => void): void {
    const { target, scenario } = this.#generator.job;
    const key = randomBytes(16).toString("base64");
    this.state = "connecting";
    const socket = connect({
      host: target.address,
      port: target.port,
      noDelay: true,
      autoSelectFamily: false,
      ...(localAddress === undefined ? {} : { localAddress }),
      onread: {
        buffer: this.#generator.readBuffer,
        callback: (bytes, buffer) => this.#onRead(bytes, buffer as Buffer),
      },
    });
    this.#socket = socket;
    this.#settled = settled;
    this.#handshake = {
      accept: acceptFor(key),
      received: Buffer.alloc(0),
      startNs: this.#generator.tick(),
      timer: setTimeout(() => this.#failHandshake("timeout"), scenario.connectTimeoutMs),
    };
    socket.once("connect", () => {
      const extensions = scenario.deflate ? DEFLATE_OFFER : undefined;
      socket.write(handshakeRequest({ authority: target.authority, resource: target.resource, key, extensions }));
    });
    socket.on("error", (error: NodeJS.ErrnoException) => this.#onSocketEnd(socketFailure(error)));
    socket.once("end", () => this.#onSocketEnd(NO_CLOSE_FRAME));
    socket.once("close", () => this.#onSocketEnd(NO_CLOSE_FRAME));
  }

  #settled: (failure: string | null) => void = () => {};

  /** Sends `count` messages that should have gone at `intendedNs` and go at `sentNs`. */
  send(count: number, intendedNs: number, sentNs: number): void {
    const { outstanding, stream, counters, maxBatch } = this.#generator;
    for (let i = 0; i < count; i++) {
      const entry = outstanding.take(this.#sent + i, intendedNs, sentNs);
      if (this.tail === NONE) this.head = entry;
      else outstanding.next[this.tail] = entry;
      this.tail = entry;
    }
    this.waiting += count;
    this.#sent += count;
    counters.sent += count;
    for (let left = count; left > 0; ) {
      const batch = Math.min(left, maxBatch);
      const frames = stream.frames(this.#sendPosition, batch);
      counters.sentBytes += frames.length;
      this.#socket!.write(frames);
      const position = this.#sendPosition + batch;
      this.#sendPosition = position < stream.length ? position : position % stream.length;
      left -= batch;
    }
  }

  /** Starts the closing handshake (RFC 6455, 7.1.2) with code 1000. */
  close(): void {
    if (this.state !== "open") return;
    this.state = "closing";
    this.#socket!.write(maskedFrame(FIN | OPCODE.close, closeBody(1000), this.#maskKey()));
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#socket?.destroy();
  }

  /**
   * Gives up waiting for messages sent before `beforeNs`: they may still be answered, but a closed loop goes on without them.
   * @returns how many there were
   */
  passOver(beforeNs: number): number {
    const { sentNs } = this.#generator.outstanding;
    let passed = 0;
    const pass = (sequence: number, entry: number) => {
      this.overdue ??= new Map();
      this.overdue.set(sequence, entry);
      passed++;
    };
    if (this.stragglers !== null) {
      for (const [sequence, entry] of this.stragglers) {
        if (sentNs[entry]! >= beforeNs) break;
        this.stragglers.delete(sequence);
        pass(sequence, entry);
      }
    }
    while (this.head !== NONE && sentNs[this.head]! < beforeNs) {
      this.#leaveExactPath();
      pass(this.#sent - this.waiting, this.#takeHead());
    }
    return passed;
  }

  #onRead(bytes: number, buffer: Buffer): boolean {
    const generator = this.#generator;
    const readNs = generator.tick();
    if (this.#exact) {
      const { stream } = generator;
      const part = this.#echoPart + bytes;
      const answered = Math.floor(part / stream.echoFrameBytes);
      const offset = this.#echoOffset;
      if (
        answered <= this.waiting &&
        this.state === "open" &&
        stream.echo.compare(buffer, 0, bytes, offset, offset + bytes) === 0
      ) {
        const next = offset + bytes;
        this.#echoOffset = next < stream.echoCycleBytes ? next : next % stream.echoCycleBytes;
        this.#echoPart = part - answered * stream.echoFrameBytes;
        generator.counters.receivedBytes += bytes;
        if (answered > 0) this.#answerInOrder(answered, readNs);
        return true;
      }
    }
    this.#readNs = readNs;
    if (this.#handshake !== null) this.#readHandshake(buffer.subarray(0, bytes));
    else if (this.state !== "closed" && !this.#closeSeen) this.#parse(buffer, 0, bytes);
    return true;
  }

  #answerInOrder(count: number, readNs: number): void {
    const generator = this.#generator;
    const { outstanding } = generator;
    let head = this.head;
    let runIntendedNs = outstanding.intendedNs[head]!;
    let runSentNs = outstanding.sentNs[head]!;
    let run = 0;
    for (let i = 0; i < count; i++) {
      const intendedNs = outstanding.intendedNs[head]!;
      const sentNs = outstanding.sentNs[head]!;
      if (intendedNs !== runIntendedNs || sentNs !== runSentNs) {
        generator.recordAnswers(run, runIntendedNs, runSentNs, readNs);
        runIntendedNs = intendedNs;
        runSentNs = sentNs;
        run = 0;
      }
      run++;
      const next = outstanding.next[head]!;
      outstanding.release(head);
      head = next;
    }
    generator.recordAnswers(run, runIntendedNs, runSentNs, readNs);
    this.head = head;
    if (head === NONE) this.tail = NONE;
    this.waiting -= count;
    if (generator.closedLoop) generator.sendAfterAnswer(this, count, readNs);
  }

  #leaveExactPath(): void {
    if (!this.#exact) return;
    this.#exact = false;
    this.#nextExpected = this.#sent - this.waiting;
    const parser = this.#parserOrNew();
    if (this.#echoPart > 0)
      parser.push(this.#generator.stream.echo, this.#echoOffset - this.#echoPart, this.#echoOffset);
  }

  #parserOrNew(): MessageParser {
    const { deflate, payloadBytes } = this.#generator.job.scenario;
    this.#parser ??= new MessageParser(this, {
      compressionAllowed: deflate,
      maxMessageBytes: Math.max(1 << 20, payloadBytes * 2),
    });
    return this.#parser;
  }

  #parse(buffer: Buffer, from: number, to: number): void {
    this.#leaveExactPath();
    this.#generator.counters.receivedBytes += to - from;
    this.#freed = 0;
    const parser = this.#parserOrNew();
    parser.push(buffer, from, to);
    const expected = this.#sent - this.waiting;
    const { stream } = this.#generator;
    if (!stream.deflate && parser.atBoundary && this.#nextExpected === expected) {
      this.#exact = true;
      this.#parser = null;
      this.#echoOffset = this.#indexOf(expected) * stream.echoFrameBytes;
      this.#echoPart = 0;
    }
    if (this.#freed > 0 && this.#generator.closedLoop) this.#generator.sendAfterAnswer(this, this.#freed, this.#readNs);
  }

  #indexOf(sequence: number): number {
    return (this.#phase + sequence) % this.#generator.stream.length;
  }

  onMessage(opcode: number, payload: Buffer, compressed: boolean, frames: number): void {
    const { stream, counters } = this.#generator;
    const index = compressed ? this.#inflatedIndex(payload) : this.#indexOfPayload(payload);
    const matched =
      index >= 0
        ? this.#answer(index)
        : this.#answerCorrupt(compressed ? decompressMessage(payload, stream.payloadBytes) : payload);
    if (matched) {
      if (index < 0) counters.corrupted++;
      if (opcode !== stream.opcode) counters.wrongOpcode++;
      if (compressed) counters.compressed++;
      if (frames > 1) counters.fragmented++;
    } else if (index >= 0 && this.#wasAnswered(index)) counters.duplicated++;
    else counters.unexpected++;
  }

  /** Which message of the cycle the payload is, byte for byte; -1 if none. */
  #indexOfPayload(payload: Buffer): number {
    const index = this.#generator.stream.claimedIndex(payload);
    return index >= 0 && this.#generator.stream.isPayload(index, payload) ? index : -1;
  }

  /**
   * Without context takeover a message's compressed form says all, so a form that was inflated and found right before is
   * known to be right: the generator remembers one for each message of the cycle, and inflates only what differs.
   */
  #inflatedIndex(payload: Buffer): number {
    const { compressedForms, stream } = this.#generator;
    const expected = this.#indexOf(this.#nextExpected);
    if (compressedForms[expected]?.equals(payload)) return expected;
    const plain = decompressMessage(payload, stream.payloadBytes);
    if (plain === null) return -1;
    const index = this.#indexOfPayload(plain);
    if (index >= 0) compressedForms[index] = Buffer.from(payload);
    return index;
  }

  /**
   * Settles the outstanding message with that index in the cycle. An index comes again with each cycle, so the message
   * nearest to the one that is due is meant: ahead of it, or behind it among those that were passed over.
   */
  #answer(index: number): boolean {
    const { length } = this.#generator.stream;
    const due = this.#nextExpected;
    const ahead = (index - this.#indexOf(due) + length) % length;
    const back = length - ahead;
    const before = ahead === 0 ? -1 : this.#passedOverBefore(due - back);
    const after = due + ahead;
    if (after < this.#sent && (before < 0 || ahead < due - before)) {
      // Rather answered twice than answered far ahead of all others.
      if (back < ahead && back <= DUPLICATE_WINDOW && back <= due) return false;
      this.#settleAhead(after);
      return true;
    }
    if (before < 0) return false;
    this.#settlePassedOver(before);
    return true;
  }

  /** The latest message not answered and not after `sequence` that has its index; -1 for none. */
  #passedOverBefore(sequence: number): number {
    if (!this.stragglers?.size && !this.overdue?.size) return -1;
    const { length } = this.#generator.stream;
    for (let at = sequence, cycles = 0; at >= 0 && cycles < CYCLES_BACK; at -= length, cycles++)
      if (this.stragglers?.has(at) || this.overdue?.has(at)) return at;
    return -1;
  }

  /** Settles a message that is due or comes after it: those before it are passed over. */
  #settleAhead(sequence: number): void {
    if (this.overdue?.has(sequence)) {
      this.#settlePassedOver(sequence);
      return;
    }
    for (let at = this.#sent - this.waiting; at < sequence; at++) {
      this.stragglers ??= new Map();
      this.stragglers.set(at, this.#takeHead());
    }
    this.#freed++;
    this.#settle(this.#takeHead());
  }

  #settlePassedOver(sequence: number): void {
    const straggler = this.stragglers?.get(sequence);
    if (straggler !== undefined) {
      this.stragglers!.delete(sequence);
      this.#freed++;
      this.#settle(straggler);
      return;
    }
    const late = this.overdue!.get(sequence)!;
    this.overdue!.delete(sequence);
    this.#generator.lateAnswer();
    this.#settle(late);
  }

  /**
   * A corrupt answer stands for the message it claims to be or for the one that is due, whichever it is more like: the
   * claim itself may be what is corrupt. What is like neither answers nothing.
   * @param payload null where it could not be inflated
   */
  #answerCorrupt(payload: Buffer | null): boolean {
    const { stream } = this.#generator;
    const due = this.#nextExpected < this.#sent ? this.#indexOf(this.#nextExpected) : NONE;
    if (payload === null) return due !== NONE && this.#answer(due);
    const claimed = stream.claimedIndex(payload);
    if (due === NONE || (claimed >= 0 && stream.differingBytes(claimed, payload) < stream.differingBytes(due, payload)))
      return claimed >= 0 && this.#answer(claimed);
    return (claimed === due || stream.isLike(due, payload)) && this.#answer(due);
  }

  /** Whether a message with that index was due lately. */
  #wasAnswered(index: number): boolean {
    const { length } = this.#generator.stream;
    const back = length - ((index - this.#indexOf(this.#nextExpected) + length) % length);
    return back <= this.#nextExpected && back <= DUPLICATE_WINDOW;
  }

  #takeHead(): number {
    const entry = this.head;
    this.head = this.#generator.outstanding.next[entry]!;
    if (this.head === NONE) this.tail = NONE;
    this.waiting--;
    return entry;
  }

  #settle(entry: number): void {
    const generator = this.#generator;
    const { outstanding, counters } = generator;
    const sequence = outstanding.sequence[entry]!;
    const sentNs = outstanding.sentNs[entry]!;
    generator.recordAnswers(1, outstanding.intendedNs[entry]!, sentNs, this.#readNs);
    // RFC 4737, 3.3: reordered when its sequence is below the next expected.
    if (sequence < this.#nextExpected) counters.reordered++;
    else this.#nextExpected = sequence + 1;
    outstanding.release(entry);
  }

  onControl(opcode: number, payload: Buffer): void {
    const { counters } = this.#generator;
    if (opcode === OPCODE.ping) {
      counters.pings++;
      // RFC 6455, 5.5.3: a pong carries the ping's application data.
      // Of several pings the latest answered is enough, so a flood of them need not fill this process.
      if (this.state === "open" && this.#socket!.writableLength <= PONG_BACKLOG_BYTES)
        this.#socket!.write(maskedFrame(FIN | OPCODE.pong, payload, this.#maskKey()));
    } else if (opcode === OPCODE.pong) counters.pongs++;
    else this.#onClose(payload);
  }

  #onClose(body: Buffer): void {
    // RFC 6455, 1.4: further data is discarded.
    this.#closeSeen = true;
    this.#parser?.stop();
    const { code, reason } = readCloseBody(body);
    if (this.state === "open") {
      this.ending = `close ${code}${reason === "" ? "" : ` ${reason}`}`;
      this.state = "closing";
      // RFC 6455, 5.5.1: an endpoint that has not sent a close frame MUST send one in answer.
      this.#socket!.end(maskedFrame(FIN | OPCODE.close, body.subarray(0, 2), this.#maskKey()));
    } else this.#socket!.end();
    setTimeout(() => this.destroy(), CLOSE_TIMEOUT_MS).unref();
  }

  onViolation(reason: string): void {
    this.ending = `protocol: ${reason}`;
    this.state = "closing";
    this.destroy();
  }

  /** Control frames are rare: a key of real entropy each (RFC 6455, 5.3). */
  #maskKey(): number {
    return randomBytes(4).readUInt32BE();
  }

  #readHandshake(chunk: Buffer): void {
    const handshake = this.#handshake!;
    handshake.received = Buffer.concat([handshake.received, chunk]);
    const outcome = readHandshakeResponse(handshake.received, handshake.accept);
    if (outcome.kind === "incomplete") return;
    if (outcome.kind === "refused") {
      this.#failHandshake(outcome.reason);
      return;
    }
    const { scenario } = this.#generator.job;
    const refusal = scenario.deflate
      ? deflateRefusal(outcome.extensions)
      : outcome.extensions === null
        ? null
        : "an extension nobody offered";
    this.#generator.countExtensions(outcome.extensions ?? "none");
    if (refusal !== null) {
      this.#failHandshake(refusal);
      return;
    }
    clearTimeout(handshake.timer);
    this.#handshake = null;
    this.state = "open";
    this.#generator.recordHandshake(this.#readNs - handshake.startNs);
    this.#settled(null);
    const { received } = handshake;
    if (received.length > outcome.consumedBytes) this.#parse(received, outcome.consumedBytes, received.length);
  }

  #failHandshake(reason: string): void {
    if (this.#handshake === null) return;
    clearTimeout(this.#handshake.timer);
    this.#handshake = null;
    this.state = "closed";
    this.destroy();
    this.#settled(reason);
  }

  #onSocketEnd(reason: string): void {
    if (this.#handshake !== null) this.#failHandshake(reason === NO_CLOSE_FRAME ? "closed by the server" : reason);
    if (this.state === "closed") return;
    if (this.state === "open") this.ending ??= reason;
    this.state = "closed";
    this.#generator.connectionEnded(this);
  }
}

/** A socket error as a person groups it. */
function socketFailure(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "ECONNREFUSED":
      return "refused";
    case "ECONNRESET":
    case "EPIPE":
      return "reset";
    case "ETIMEDOUT":
      return "timeout";
    case "EMFILE":
    case "ENFILE":
      return "no open files left";
    case "EADDRNOTAVAIL":
      return "no source port left";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "unreachable";
    default:
      return error.code ?? "socket error";
  }
}
