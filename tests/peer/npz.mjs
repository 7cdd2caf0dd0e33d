// Reads and writes numpy's .npy and .npz files: {shape, data, dtype}, data a typed array in C order.
import fs from "node:fs";
import zlib from "node:zlib";

const arrayTypes = {
  "<f4": Float32Array, "<f8": Float64Array, "<f2": Uint16Array, "|i1": Int8Array, "|u1": Uint8Array,
  "<i2": Int16Array, "<u2": Uint16Array, "<i4": Int32Array, "<u4": Uint32Array, "<i8": BigInt64Array,
  "<u8": BigUint64Array, "|b1": Uint8Array,
};

export const elementCount = (shape) => shape.reduce((product, size) => product * size, 1);

// The header of an .npy file: element type, shape, and where the elements begin.
export function parseNpyHeader(bytes, name) {
  if (bytes.length < 12 || bytes.toString("latin1", 0, 6) !== "\x93NUMPY") throw new Error(`${name}: not an .npy file`);
  const isVersion1 = bytes[6] === 1;
  const start = isVersion1 ? 10 : 12;
  const length = isVersion1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8);
  const header = bytes.toString("latin1", start, start + length);
  const dtype = /'descr':\s*'([^']+)'/.exec(header)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1].split(",").filter((part) => part.trim()).map(Number);
  if (!arrayTypes[dtype] || !shape) throw new Error(`${name}: element type ${dtype} is not supported`);
  if (/'fortran_order':\s*True/.test(header) && shape.length > 1) {
    throw new Error(`${name}: Fortran order is not supported`);
  }
  return { dtype, shape, dataOffset: start + length };
}

export function typedArray(dtype, bytes) {
  const copy = new Uint8Array(bytes); // aligned, and owned by nobody else
  return new arrayTypes[dtype](copy.buffer);
}

export const elementBytes = (dtype) => arrayTypes[dtype].BYTES_PER_ELEMENT;

export function parseNpy(bytes, name = "npy") {
  const { dtype, shape, dataOffset } = parseNpyHeader(bytes, name);
  const end = dataOffset + elementCount(shape) * elementBytes(dtype);
  if (end > bytes.length) throw new Error(`${name}: cut short`);
  return { dtype, shape, data: typedArray(dtype, bytes.subarray(dataOffset, end)) };
}

export function formatNpy({ dtype, shape, data }) {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${dtype}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padded = text.padEnd(Math.ceil((10 + text.length + 1) / 64) * 64 - 11) + "\n";
  const head = Buffer.alloc(10);
  head.write("\x93NUMPY\x01\x00", "latin1");
  head.writeUInt16LE(padded.length, 8);
  const content = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([head, Buffer.from(padded, "latin1"), content]);
}

function zipMember(bytes, entry, path) {
  const method = bytes.readUInt16LE(entry + 10);
  const packedSize = bytes.readUInt32LE(entry + 20);
  const local = bytes.readUInt32LE(entry + 42);
  const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
  const packed = bytes.subarray(start, start + packedSize);
  if (method === 0) return packed;
  if (method === 8) return zlib.inflateRawSync(packed);
  throw new Error(`${path}: zip method ${method} is not supported`);
}

export function readNpz(path) {
  const bytes = fs.readFileSync(path);
  const end = bytes.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  if (end < 0) throw new Error(`${path}: not a zip archive`);
  const arrays = {};
  let entry = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; --left) {
    const nameLength = bytes.readUInt16LE(entry + 28);
    const name = bytes.toString("utf8", entry + 46, entry + 46 + nameLength).replace(/\.npy$/, "");
    arrays[name] = parseNpy(zipMember(bytes, entry, path), `${path}: ${name}`);
    entry += 46 + nameLength + bytes.readUInt16LE(entry + 30) + bytes.readUInt16LE(entry + 32);
  }
  return arrays;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; ++bit) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

// Stored, not compressed, without a time stamp.
export function writeNpz(path, arrays) {
  const parts = [], directory = [];
  let offset = 0;
  for (const [name, array] of Object.entries(arrays)) {
    const file = Buffer.from(`${name}.npy`), content = formatNpy(array);
    const common = Buffer.alloc(26); // from "version needed" to "extra length": the same in both headers
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800, 2); // names are UTF-8
    common.writeUInt16LE(0x21, 8); // 1980-01-01
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(file.length, 22);
    parts.push(Buffer.from("PK\x03\x04", "latin1"), common, file, content);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, tail, file);
    offset += 30 + file.length + content.length;
  }
  const central = Buffer.concat(directory), end = Buffer.alloc(22), count = Object.keys(arrays).length;
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  fs.writeFileSync(path, Buffer.concat([...parts, central, end]));
}
