// The smallest ONNX models that are real ones: written field by field as the format's protocol buffers say (onnx.proto,
// IR version 8), so that tests need no model from elsewhere.

const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)])
const field = (number: number, wire: number) => varint((number << 3) | wire)
const whole = (number: number, value: number) => [...field(number, 0), ...varint(value)]
const bytes = (number: number, value: Iterable<number>) => {
  const all = [...value]
  return [...field(number, 2), ...varint(all.length), ...all]
}
const text = (number: number, value: string) => bytes(number, Buffer.from(value))

const floatType = 1
const int64Type = 7

function tensorInfo(name: string, type: number, dims: (number | string)[]): number[] {
  const shape = dims.flatMap((dim) => bytes(1, typeof dim === 'number' ? whole(1, dim) : text(2, dim)))
  return [...text(1, name), ...bytes(2, bytes(1, [...whole(1, type), ...bytes(2, shape)]))]
}

function constant(name: string, type: number, dims: number[], raw: Uint8Array): number[] {
  return [...dims.flatMap((dim) => whole(1, dim)), ...whole(2, type), ...text(8, name), ...bytes(9, raw)]
}

function node(type: string, inputs: string[], outputs: string[]): number[] {
  return [...inputs.flatMap((name) => text(1, name)), ...outputs.flatMap((name) => text(2, name)), ...text(4, type)]
}

function model(graph: number[]): Uint8Array {
  return Uint8Array.from([...whole(1, 8), ...bytes(7, graph), ...bytes(8, whole(2, 13))])
}

const raw = (values: Float32Array | BigInt64Array) =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

/** A model of photos: the pixels (NCHW), flattened and projected to `dimensions` numbers by the given matrix. */
export function photoModel(side: number, dimensions: number, matrix: Float32Array): Uint8Array {
  const inputs = 3 * side * side
  return model([
    ...bytes(1, node('Flatten', ['pixels'], ['flat'])),
    ...bytes(1, node('MatMul', ['flat', 'matrix'], ['embedding'])),
    ...text(2, 'photo'),
    ...bytes(5, constant('matrix', floatType, [inputs, dimensions], raw(matrix))),
    ...bytes(11, tensorInfo('pixels', floatType, [1, 3, side, side])),
    ...bytes(12, tensorInfo('embedding', floatType, [1, dimensions])),
  ])
}

/** A model of texts: one row of the table for each piece of the text. */
export function textModel(pieces: number, dimensions: number, table: Float32Array): Uint8Array {
  return model([
    ...bytes(1, node('Gather', ['table', 'input_ids'], ['last_hidden_state'])),
    ...text(2, 'text'),
    ...bytes(5, constant('table', floatType, [pieces, dimensions], raw(table))),
    ...bytes(11, tensorInfo('input_ids', int64Type, [1, 'length'])),
    ...bytes(12, tensorInfo('last_hidden_state', floatType, [1, 'length', dimensions])),
  ])
}
