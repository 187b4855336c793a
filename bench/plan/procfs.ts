/** Readers of the Linux kernel's text files (man 5 proc): pure, from a file's content to its facts. */

/** "0-2,5" -> [0, 1, 2, 5] */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(",")
    .filter((part) => part !== "")
    .flatMap((part) => {
      const [first, last = first] = part.split("-").map(Number);
      return Array.from({ length: last! - first! + 1 }, (_, index) => first! + index);
    });
}

/** A field of /proc/PID/status, such as `Cpus_allowed_list`; null where it has none. */
export function parseStatusField(status: string, field: string): string | null {
  return new RegExp(`^${field}:\\s*(.*)$`, "m").exec(status)?.[1]?.trim() ?? null;
}

/** "Max open files" of /proc/PID/limits; null: unlimited. */
export function parseOpenFiles(limits: string): { soft: number | null; hard: number | null } {
  const [, soft = "", hard = ""] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
  return { soft: toLimit(soft), hard: toLimit(hard) };
}

function toLimit(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) : null;
}

/** /proc/sys/net/ipv4/ip_local_port_range */
export function parsePortRange(text: string): { first: number; last: number } | null {
  const match = /^(\d+)\s+(\d+)/.exec(text);
  return match === null ? null : { first: Number(match[1]), last: Number(match[2]) };
}

/** Cores that a cgroup's cpu.max allows: "150000 100000" -> 1.5; null: no limit. */
export function parseCpuQuota(text: string): number | null {
  const match = /^(\d+) (\d+)/.exec(text);
  return match === null ? null : Number(match[1]) / Number(match[2]);
}

/** Folders below /sys/fs/cgroup whose limits hold for the process, its own first, from /proc/PID/cgroup. */
export function parseCgroupFolders(cgroup: string): string[] {
  const path = /^0::(\/.*)$/m.exec(cgroup)?.[1];
  if (path === undefined) return [];
  const parts = path.split("/").filter((part) => part !== "");
  return Array.from({ length: parts.length + 1 }, (_, index) => parts.slice(0, parts.length - index).join("/"));
}
