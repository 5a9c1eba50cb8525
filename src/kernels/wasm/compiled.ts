// WebAssembly that lies in the code as base64, compiled at its first use.

const pageBytes = 65_536

/** Answers the compiled module, or undefined where WebAssembly or what the module needs of it (SIMD, threads) is missing. */
export function moduleOf(base64: string): () => WebAssembly.Module | undefined {
  let compiled: WebAssembly.Module | undefined | false
  return () => {
    if (compiled === undefined)
      try {
        compiled = new WebAssembly.Module(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)))
      } catch {
        // The readable twin answers the same, slower.
        compiled = false
      }
    return compiled === false ? undefined : compiled
  }
}

/** An instance of its own, with a memory of its own. `Exports` is what the module is known to export. */
export function instanceOf<Exports>(module: WebAssembly.Module): Exports {
  return new WebAssembly.Instance(module, { env: { abort: () => {} } }).exports as unknown as Exports
}

/** Makes a memory hold so many bytes. What grows it detaches every view of it. */
export function growTo(memory: WebAssembly.Memory, bytes: number): void {
  if (memory.buffer.byteLength < bytes) memory.grow(Math.ceil((bytes - memory.buffer.byteLength) / pageBytes))
}
