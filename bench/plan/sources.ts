import { isIP } from "node:net";
import type { Machine } from "./machine.js";
import type { PlanOptions, PlanTarget, Problem } from "./request.js";
import { count, many } from "./wording.js";

/** Which source addresses connections come from; none: the kernel chooses. */
export interface SourcePlan {
  addresses: string[];
  problems: Problem[];
  notes: string[];
}

/**
 * Linux first searches half of the port range when it chooses the port at connect(), and a quarter when a socket is
 * bound to an address before (libuv sets SO_REUSEADDR). Within that part a connect takes about 0.1 ms, beyond it
 * 1 to 7 ms, for the kernel walks the full part before it looks at the rest. A tenth is left to other programs.
 */
const KERNEL_CHOSEN_SHARE = 0.45;
const BOUND_SHARE = 0.225;

/** Where the port range is unknown: the dynamic ports of RFC 6335, 49152 to 65535. */
const DYNAMIC_PORTS = 16_384;

/** 127.64.0.0 to 127.127.255.255: clear of 127.0.0.x, where programs listen. */
const FIRST_ADDRESS = (127 << 24) | (64 << 16);
const ADDRESSES = 1 << 22;
/** Room for the addresses of one run: over a million connections. */
const ADDRESSES_A_RUN = 256;

export function planSources(
  connections: number,
  target: PlanTarget,
  machine: Machine,
  options: PlanOptions,
): SourcePlan {
  const given = [...(options.localAddresses ?? [])];
  const misfits = given.filter((address) => isIP(address) !== isIP(target.address));
  if (misfits.length > 0) {
    return plan(given, {
      fact: `${misfits.join(", ")} cannot be the source of a connection to ${target.address}`,
      remedy: "Give source addresses of the target's family, IPv4 or IPv6.",
    });
  }
  const { portRange } = machine;
  if (portRange === null) {
    const enough = connections <= DYNAMIC_PORTS * Math.max(1, given.length);
    return plan(
      given,
      enough ? null : `${count(connections)} connections may be more than this system has ports for: it does not say.`,
    );
  }

  const ports = portRange.last - portRange.first + 1;
  if (given.length === 0) {
    if (connections <= ports * KERNEL_CHOSEN_SHARE) return plan([]);
    if (target.loopback && isIP(target.address) === 4 && machine.platform === "linux") {
      const addresses = Math.ceil(connections / (ports * BOUND_SHARE));
      return plan(Array.from({ length: addresses }, (_, index) => loopbackAddress(options.run ?? 0, index)));
    }
  }
  const sources = Math.max(1, given.length);
  if (connections > ports * sources) {
    return plan(given, {
      fact:
        `${count(connections)} connections from ${many(sources, "source address", "source addresses")} to one port need ` +
        `more than the ${count(ports)} ports of net.ipv4.ip_local_port_range (${portRange.first} to ${portRange.last})`,
      remedy:
        `Widen it with \`sysctl -w net.ipv4.ip_local_port_range="1024 65535"\` (64,512 ports), or ` +
        `${target.loopback ? "reach the server at an IPv4 loopback address" : "give more source addresses"}.`,
    });
  }
  const fast = Math.floor(ports * (given.length === 0 ? KERNEL_CHOSEN_SHARE : BOUND_SHARE) * sources);
  return plan(
    given,
    connections <= fast
      ? null
      : `Beyond ${count(fast)} connections the kernel searches long for a free port: the ramp may be slow. ` +
          "More source addresses or a wider net.ipv4.ip_local_port_range help.",
  );
}

function plan(addresses: string[], said: Problem | string | null = null): SourcePlan {
  return {
    addresses,
    problems: said !== null && typeof said !== "string" ? [said] : [],
    notes: typeof said === "string" ? [said] : [],
  };
}

function loopbackAddress(run: number, index: number): string {
  const address = FIRST_ADDRESS + ((run * ADDRESSES_A_RUN + index) % ADDRESSES);
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}
