// What the Safe web app's Transaction Builder does with a file, written again from scratch: keccak,
// the checksum over everything but name and checksum, and the calldata of methods with one-word
// arguments. Reads a file's JSON on stdin, prints {checksum, transactions: [{to, value, data}]}.

const MASK = (1n << 64n) - 1n;
const rotate = (word, by) => ((word << BigInt(by)) | (word >> BigInt(64 - by))) & MASK;

function roundConstants() {
  const constants = [];
  let register = 1;
  const nextBit = () => {
    const bit = register & 1;
    register = (register << 1) ^ ((register >> 7) * 0x171);
    return bit;
  };
  for (let round = 0; round < 24; round++) {
    let constant = 0n;
    for (let j = 0; j <= 6; j++) {
      if (nextBit()) constant |= 1n << BigInt(2 ** j - 1);
    }
    constants.push(constant);
  }
  return constants;
}

const CONSTANTS = roundConstants();

function permute(state) {
  for (const constant of CONSTANTS) {
    const parity = [0, 1, 2, 3, 4].map((x) => [0, 5, 10, 15, 20].reduce((p, y) => p ^ state[x + y], 0n));
    for (let i = 0; i < 25; i++) state[i] ^= parity[(i + 4) % 5] ^ rotate(parity[(i + 1) % 5], 1);
    let [x, y] = [1, 0];
    let current = state[x];
    for (let t = 0; t < 24; t++) {
      [x, y] = [y, (2 * x + 3 * y) % 5];
      const moved = rotate(current, (((t + 1) * (t + 2)) / 2) % 64);
      current = state[x + 5 * y];
      state[x + 5 * y] = moved;
    }
    for (let row = 0; row < 25; row += 5) {
      const old = state.slice(row, row + 5);
      for (let i = 0; i < 5; i++) state[row + i] = old[i] ^ (~old[(i + 1) % 5] & MASK & old[(i + 2) % 5]);
    }
    state[0] ^= constant;
  }
}

function keccak256(bytes) {
  const rate = 136;
  const padded = new Uint8Array(Math.ceil((bytes.length + 1) / rate) * rate);
  padded.set(bytes);
  padded[bytes.length] ^= 1;
  padded[padded.length - 1] ^= 0x80;
  const state = Array(25).fill(0n);
  const view = new DataView(padded.buffer);
  for (let block = 0; block < padded.length; block += rate) {
    for (let i = 0; i < rate / 8; i++) state[i] ^= view.getBigUint64(block + 8 * i, true);
    permute(state);
  }
  const out = new DataView(new ArrayBuffer(32));
  for (let i = 0; i < 4; i++) out.setBigUint64(8 * i, state[i], true);
  return Buffer.from(out.buffer).toString("hex");
}

const hash = (text) => keccak256(new TextEncoder().encode(text));

function spell(value) {
  if (Array.isArray(value)) return "[" + value.map(spell).join(",") + "]";
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return "{" + JSON.stringify(keys) + keys.map((key) => spell(value[key]) + ",").join("") + "}";
}

function checksum(file) {
  const meta = { ...file.meta, name: null };
  delete meta.checksum;
  return "0x" + hash(spell({ ...file, meta }));
}

function word(type, text) {
  if (typeof text !== "string") throw new Error(`${type}: not a string`);
  if (type === "bool") return (text === "true" ? "1" : "0").padStart(64, "0");
  if (/^bytes\d+$/.test(type)) return text.slice(2).padEnd(64, "0");
  return BigInt.asUintN(256, BigInt(text)).toString(16).padStart(64, "0");
}

function calldata({ contractMethod: method, contractInputsValues: values }) {
  const signature = `${method.name}(${method.inputs.map((input) => input.type).join(",")})`;
  const words = method.inputs.map((input) => word(input.type, values[input.name]));
  return "0x" + hash(signature).slice(0, 8) + words.join("");
}

let text = "";
for await (const chunk of process.stdin) text += chunk;
const file = JSON.parse(text);
const transactions = file.transactions.map((transaction) => ({
  to: transaction.to,
  value: transaction.value,
  data: transaction.data || calldata(transaction),
}));
console.log(JSON.stringify({ checksum: checksum(file), transactions }));
