// The package brings no types. Only what is used here.
declare module 'heic-decode' {
  type Picture = { width: number; height: number; data: Uint8ClampedArray }
  type Lazy = { width: number; height: number; decode: () => Promise<Picture> }
  const decode: { all: (input: { buffer: Uint8Array }) => Promise<Lazy[] & { dispose: () => void }> }
  export = decode
}
