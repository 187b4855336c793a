import { lookup as dnsLookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import os from "node:os";
import { EcholotError } from "../../cli/errors.js";
import type { TargetUrl } from "./url.js";

/** A target with the address that the run connects to. */
export interface Target extends TargetUrl {
  address: string;
  loopback: boolean;
  /** True where the address is one of this machine's. */
  local: boolean;
}

export type Lookup = (host: string) => Promise<readonly { readonly address: string }[]>;

/** How long an address may take to accept a connection before the next one is tried. */
const ACCEPT_TIMEOUT_MS = 1_000;

/**
 * Finds the address to load. Where a name has several, the first that accepts a TCP connection, for "localhost" is
 * often both 127.0.0.1 and ::1 and a server often listens on one of them. Where none does, the first: the run says why.
 * @throws EcholotError TARGET_UNRESOLVED
 */
export async function resolveTarget(url: TargetUrl, lookup: Lookup = lookUpAll): Promise<Target> {
  const addresses = isIP(url.host) !== 0 ? [url.host] : await resolveName(url.host, lookup);
  const address = await firstToAccept(addresses, url.port);
  return { ...url, address, loopback: isLoopback(address), local: isLocal(address) };
}

export function isLoopback(address: string): boolean {
  return address === "::1" || /^(::ffff:)?127\.\d+\.\d+\.\d+$/i.test(address);
}

/** True for the addresses of this machine's interfaces. */
export function isLocal(address: string): boolean {
  if (isLoopback(address)) return true;
  return Object.values(os.networkInterfaces()).some((each) => each?.some((own) => own.address === address));
}

function lookUpAll(host: string): ReturnType<Lookup> {
  return dnsLookup(host, { all: true, verbatim: true });
}

/** IPv4 first on loopback, where one port can be reached from many IPv4 addresses and from one IPv6 address. */
async function resolveName(host: string, lookup: Lookup): Promise<string[]> {
  try {
    const addresses = [...new Set((await lookup(host)).map(({ address }) => address))];
    if (addresses.length === 0) throw new Error("no address");
    return addresses.every(isLoopback) ? addresses.sort((a, b) => isIP(a) - isIP(b)) : addresses;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new EcholotError(
      "TARGET_UNRESOLVED",
      `the name "${host}" has no address (${code ?? message})`,
      "Check the spelling and this machine's name service, or give the address itself.",
      { cause },
    );
  }
}

async function firstToAccept(addresses: readonly string[], port: number): Promise<string> {
  if (addresses.length > 1) {
    for (const address of addresses) if (await accepts(address, port, ACCEPT_TIMEOUT_MS)) return address;
  }
  return addresses[0]!;
}

/** True when the port accepts a TCP connection within the time; the connection is closed at once. */
export function accepts(address: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const finish = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.setTimeout(timeoutMs, () => finish(false));
    socket.once("connect", () => finish(true));
    socket.once("error", () => finish(false));
  });
}
