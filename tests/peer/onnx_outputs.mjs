// Makes intermediate tensors of an ONNX file graph outputs, without an ONNX library: enough protobuf to list the
// tensors that nodes write, and to add outputs. Bytes appended to a message are merged with it (the encoding's rule
// for a field that comes twice), so the added outputs are one more piece of ModelProto.graph at the end of the file.
const graphField = 7, nodeField = 1, graphOutputField = 12; // onnx.proto: ModelProto.graph, GraphProto.node, .output
const nodeOutputField = 2, nodeOpTypeField = 4, valueNameField = 1;
const lengthDelimited = 2;

function readVarint(bytes, position) {
  let value = 0, scale = 1, byte;
  do {
    byte = bytes[position++];
    value += (byte & 127) * scale;
    scale *= 128;
  } while (byte & 128);
  return [value, position];
}

// The length-delimited fields of a message, as [field number, bytes].
function* fields(bytes) {
  let position = 0, key, length;
  while (position < bytes.length) {
    [key, position] = readVarint(bytes, position);
    const type = key & 7;
    if (type === lengthDelimited) {
      [length, position] = readVarint(bytes, position);
      yield [key >> 3, bytes.subarray(position, position + length)];
      position += length;
    } else if (type === 0) {
      [, position] = readVarint(bytes, position);
    } else {
      position += type === 1 ? 8 : 4;
    }
  }
}

function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}

function field(number, content) {
  return Buffer.concat([varint(number * 8 + lengthDelimited), varint(content.length), content]);
}
const text = (bytes) => bytes.toString("utf8");

// [{name, opType}] of every tensor a node of the main graph writes, in node order.
export function nodeTensors(model) {
  const tensors = [];
  for (const [number, graph] of fields(model)) {
    if (number !== graphField) continue;
    for (const [part, node] of fields(graph)) {
      if (part !== nodeField) continue;
      const entries = [...fields(node)];
      const opType = text(entries.find(([key]) => key === nodeOpTypeField)[1]);
      for (const [key, name] of entries) {
        if (key === nodeOutputField && name.length) tensors.push({ name: text(name), opType });
      }
    }
  }
  return tensors;
}

function graphOutputs(model) {
  const names = new Set();
  for (const [number, graph] of fields(model)) {
    if (number !== graphField) continue;
    for (const [part, value] of fields(graph)) {
      if (part === graphOutputField) names.add(text([...fields(value)].find(([key]) => key === valueNameField)[1]));
    }
  }
  return names;
}

export function withOutputs(model, names) {
  const present = graphOutputs(model);
  const added = names.filter((name) => !present.has(name));
  const outputs = added.map((name) => field(graphOutputField, field(valueNameField, Buffer.from(name))));
  return Buffer.concat([model, field(graphField, Buffer.concat(outputs))]);
}
