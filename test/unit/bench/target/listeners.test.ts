import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addressBits, parseListeningSockets, socketsReached } from "../../../../bench/target/listeners.js";

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1A0A 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 10001 1 0000000000000000 100 0 0 10 0
   1: 00000000:1A0A 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 10002 1 0000000000000000 100 0 0 10 0
   2: 0100007F:1A0A 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 10003 1 0000000000000000 20 4 30 10 -1
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:1A0A 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 10004 1 0000000000000000 100 0 0 10 0
   1: 00000000000000000000000001000000:1A0B 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 10005 1 0000000000000000 100 0 0 10 0
   2: 0000000000000000FFFF00000100007F:1A0C 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 10006 1 0000000000000000 100 0 0 10 0
`;

describe("the kernel's tables of sockets", () => {
  test("show the listening ones with address, port and inode", () => {
    assert.deepEqual(parseListeningSockets(TCP, "LE"), [
      { bits: "00000000000000000000ffff7f000001", port: 6_666, inode: "10001" },
      { bits: "00000000000000000000ffff00000000", port: 6_666, inode: "10002" },
    ]);
    assert.deepEqual(
      parseListeningSockets(TCP6, "LE").map(({ bits }) => bits),
      ["00000000000000000000000000000000", "00000000000000000000000000000001", "00000000000000000000ffff7f000001"],
    );
  });

  test("are read in the machine's byte order", () => {
    const [socket] = parseListeningSockets(TCP.replace("0100007F:1A0A", "7F000001:1A0A"), "BE");
    assert.equal(socket!.bits, "00000000000000000000ffff7f000001");
  });

  test("may be missing", () => assert.deepEqual(parseListeningSockets("", "LE"), []));
});

test("an address has 128 bits, IPv4 mapped into IPv6", () => {
  const rows = [
    ["127.0.0.1", "00000000000000000000ffff7f000001"],
    ["::", "00000000000000000000000000000000"],
    ["::1", "00000000000000000000000000000001"],
    ["2001:db8::8:800:200c:417a", "20010db80000000000080800200c417a"],
    ["fe80::fc:ff%eth0", "fe8000000000000000000000" + "00fc00ff"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["::ffff:10.0.0.1", "00000000000000000000ffff0a000001"],
    ["fe80::", "fe800000000000000000000000000000"],
  ] as const;
  for (const [address, bits] of rows) assert.equal(addressBits(address), bits);
});

describe("a connection reaches", () => {
  const sockets = [...parseListeningSockets(TCP, "LE"), ...parseListeningSockets(TCP6, "LE")];
  const rows: [title: string, address: string, port: number, inodes: string[]][] = [
    ["the socket bound to its address before one bound to all", "127.0.0.1", 6_666, ["10001"]],
    ["the socket bound to all IPv4 addresses before one bound to all", "10.0.0.1", 6_666, ["10002"]],
    ["the socket bound to all addresses over IPv6", "::1", 6_666, ["10004"]],
    ["the socket bound to the IPv6 address", "::1", 6_667, ["10005"]],
    ["an IPv6 socket bound to its IPv4 address", "127.0.0.1", 6_668, ["10006"]],
    ["nothing on another address", "127.0.0.1", 6_667, []],
    ["nothing on another port", "127.0.0.1", 6_669, []],
  ];
  for (const [title, address, port, inodes] of rows) {
    test(title, () => {
      assert.deepEqual(
        socketsReached(sockets, address, port).map(({ inode }) => inode),
        inodes,
      );
    });
  }

  test("every socket that shares the address and port", () => {
    const shared = [...sockets, { bits: addressBits("127.0.0.1"), port: 6_666, inode: "10007" }];
    assert.deepEqual(
      socketsReached(shared, "127.0.0.1", 6_666).map(({ inode }) => inode),
      ["10001", "10007"],
    );
  });
});
