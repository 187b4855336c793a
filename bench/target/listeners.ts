import { readlinkSync } from "node:fs";
import { isIPv6 } from "node:net";
import os from "node:os";
import { listProcFolder, readProcFile } from "../plan/proc-files.js";
import { isLocal } from "./resolve.js";

/** A listening socket of /proc/net/tcp or tcp6. */
export interface ListeningSocket {
  /** As {@link addressBits} writes it. */
  bits: string;
  port: number;
  inode: string;
}

/** TCP_LISTEN of the kernel's net/tcp_states.h */
const LISTEN = "0A";
const ANY_IPV6 = "0".repeat(32);
/** ::ffff:0:0/96 (RFC 4291, 2.5.5.2) */
const MAPPED_IPV4 = `${"0".repeat(20)}ffff`;
const ANY_IPV4 = `${MAPPED_IPV4}00000000`;

/**
 * Reads the listening sockets. Addresses stand there as 32-bit words in the machine's byte order.
 * @param text /proc/net/tcp or /proc/net/tcp6
 */
export function parseListeningSockets(text: string, endianness: "LE" | "BE"): ListeningSocket[] {
  return text
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN)
    .map((fields) => {
      const [words = "", port = ""] = fields[1]!.split(":");
      const bytes = Buffer.from(words, "hex");
      if (endianness === "LE") bytes.swap32();
      const hex = bytes.toString("hex");
      return { bits: bytes.length === 4 ? MAPPED_IPV4 + hex : hex, port: Number.parseInt(port, 16), inode: fields[9]! };
    });
}

/** The 128 bits of an address as 32 hexadecimal digits, IPv4 mapped into IPv6: "127.0.0.1" -> "0...0ffff7f000001" */
export function addressBits(address: string): string {
  if (!isIPv6(address)) return MAPPED_IPV4 + ipv4Digits(address);
  const words = address
    .replace(/%.*$/, "")
    .replace(/\d+\.\d+\.\d+\.\d+$/, (ipv4) => ipv4Digits(ipv4).replace(/^(....)/, "$1:"));
  const [head = [], tail = []] = words.split("::").map((half) => half.split(":").filter((word) => word !== ""));
  const zeros = new Array<string>(8 - head.length - tail.length).fill("0");
  return [...head, ...zeros, ...tail].map((word) => word.padStart(4, "0")).join("");
}

function ipv4Digits(address: string): string {
  return Buffer.from(address.split(".").map(Number)).toString("hex");
}

/**
 * The sockets that a connection to the address and port reaches: those bound to the address before those bound to all
 * addresses of its family, and these before an IPv6 socket that takes IPv4 as well.
 */
export function socketsReached(sockets: readonly ListeningSocket[], address: string, port: number): ListeningSocket[] {
  const bits = addressBits(address);
  const places = bits.startsWith(MAPPED_IPV4) ? [bits, ANY_IPV4, ANY_IPV6] : [bits, ANY_IPV6];
  const onPort = sockets.filter((socket) => socket.port === port);
  return places.map((place) => onPort.filter((socket) => socket.bits === place)).find(({ length }) => length > 0) ?? [];
}

/**
 * Processes on this machine that listen on the address and port; all of them where several share it (SO_REUSEPORT, or
 * a socket inherited). Empty where there is none, or only such of another user; null off Linux.
 * Reads the file tables of all processes: about 10 µs an open file.
 */
export function findListeners(address: string, port: number): number[] | null {
  if (process.platform !== "linux") return null;
  if (!isLocal(address)) return [];
  const sockets = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) =>
    parseListeningSockets(readProcFile(path) ?? "", os.endianness()),
  );
  const links = new Set(socketsReached(sockets, address, port).map(({ inode }) => `socket:[${inode}]`));
  return links.size === 0 ? [] : allPids().filter((pid) => holdsAny(pid, links));
}

function holdsAny(pid: number, links: ReadonlySet<string>): boolean {
  return listProcFolder(`/proc/${pid}/fd`).some((fd) => links.has(linkOf(`/proc/${pid}/fd/${fd}`)));
}

/**
 * The processes and all that descend from them, such as the workers of a cluster. This program's own children are left
 * out: they are the generator, also where the server under test runs in this process. Takes some 20 to 60 µs for each
 * process of the machine.
 */
export function processTree(roots: readonly number[]): number[] {
  const childrenOf = new Map<number, number[]>();
  for (const pid of allPids()) {
    const parent = parentOf(pid);
    if (parent !== null) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), pid]);
  }
  const found = new Set<number>();
  const add = (pid: number): void => {
    if (found.has(pid)) return;
    found.add(pid);
    if (pid !== process.pid) for (const child of childrenOf.get(pid) ?? []) if (child !== process.pid) add(child);
  };
  for (const root of roots) add(root);
  return [...found];
}

function parentOf(pid: number): number | null {
  const stat = readProcFile(`/proc/${pid}/stat`) ?? "";
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return stat === "" ? null : Number(fields[1]);
}

function allPids(): number[] {
  return listProcFolder("/proc").map(Number).filter(Number.isInteger);
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
