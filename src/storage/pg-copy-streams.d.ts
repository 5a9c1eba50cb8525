// The package brings no types. Only what is used here: COPY in either direction, as a query that is also a stream.
declare module 'pg-copy-streams' {
  import type { Submittable } from 'pg'
  import type { Readable, Writable } from 'node:stream'

  type Copied = Submittable & { rowCount: number }
  export function to(sql: string): Readable & AsyncIterable<Buffer> & Copied
  export function from(sql: string): Writable & Copied
}
