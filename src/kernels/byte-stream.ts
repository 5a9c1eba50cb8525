// Copying whole arrays is many times faster, where the machine orders bytes as the format does.
const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

/** Writes numbers and strings into one growing buffer, little-endian. Read back in the same order by `byteReader`. */
export type ByteWriter = {
  f64: (value: number) => void
  u32: (value: number) => void
  text: (value: string) => void
  f64s: (values: Float64Array, from: number, to: number) => void
  bytes: (value: Uint8Array) => void
  done: () => Uint8Array
}

/** An empty writer; it grows as needed. */
export function byteWriter(): ByteWriter {
  let bytes = new Uint8Array(1024)
  let view = new DataView(bytes.buffer)
  let length = 0
  const encoder = new TextEncoder()
  const room = (more: number) => {
    if (length + more <= bytes.length) return
    const grown = new Uint8Array(Math.max(bytes.length * 2, length + more))
    grown.set(bytes)
    bytes = grown
    view = new DataView(bytes.buffer)
  }
  const u32 = (value: number) => {
    room(4)
    view.setUint32(length, value, true)
    length += 4
  }
  const f64 = (value: number) => {
    room(8)
    view.setFloat64(length, value, true)
    length += 8
  }
  return {
    u32,
    f64,
    text(value) {
      const encoded = encoder.encode(value)
      u32(encoded.length)
      room(encoded.length)
      bytes.set(encoded, length)
      length += encoded.length
    },
    f64s(values, from, to) {
      u32(to - from)
      room((to - from) * 8)
      if (littleEndian) bytes.set(new Uint8Array(values.buffer, values.byteOffset + from * 8, (to - from) * 8), length)
      else
        for (let index = from; index < to; index++) view.setFloat64(length + (index - from) * 8, values[index]!, true)
      length += (to - from) * 8
    },
    bytes(value) {
      u32(value.length)
      room(value.length)
      bytes.set(value, length)
      length += value.length
    },
    done: () => bytes.slice(0, length),
  }
}

export type ByteReader = {
  f64: () => number
  u32: () => number
  text: () => string
  f64s: () => Float64Array
  bytes: () => Uint8Array
  atEnd: () => boolean
}

/** Reads what `byteWriter` wrote. Throws a RangeError when the bytes end too early. */
export function byteReader(bytes: Uint8Array): ByteReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let offset = 0
  const u32 = () => {
    const value = view.getUint32(offset, true)
    offset += 4
    return value
  }
  const f64 = () => {
    const value = view.getFloat64(offset, true)
    offset += 8
    return value
  }
  return {
    u32,
    f64,
    text() {
      const length = u32()
      if (offset + length > bytes.length) throw new RangeError('The bytes end inside a string')
      const value = decoder.decode(bytes.subarray(offset, offset + length))
      offset += length
      return value
    },
    f64s() {
      const length = u32()
      if (offset + length * 8 > bytes.length) throw new RangeError('The bytes end inside a list of numbers')
      const values = new Float64Array(length)
      if (littleEndian) new Uint8Array(values.buffer).set(bytes.subarray(offset, offset + length * 8))
      else for (let index = 0; index < length; index++) values[index] = view.getFloat64(offset + index * 8, true)
      offset += length * 8
      return values
    },
    bytes() {
      const length = u32()
      if (offset + length > bytes.length) throw new RangeError('The bytes end inside a block')
      offset += length
      return bytes.subarray(offset - length, offset)
    },
    atEnd: () => offset === bytes.length,
  }
}
