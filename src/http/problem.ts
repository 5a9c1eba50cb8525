import type { FieldProblem } from '../domain/error.ts'

/** An answer that is not a success, as RFC 9457 problem details. Thrown by handlers, written by the server. */
export class HttpProblem extends Error {
  override name = 'HttpProblem'
  readonly status: number
  readonly title: string
  readonly errors: FieldProblem[] | undefined
  readonly headers: Record<string, string>
  constructor(
    status: number,
    title: string,
    detail: string,
    errors?: FieldProblem[],
    headers: Record<string, string> = {},
  ) {
    super(detail)
    this.status = status
    this.title = title
    this.errors = errors
    this.headers = headers
  }
}

/** Makes the problem to throw: `throw problem(404, 'No such decision', 'Decision "x" does not exist.')`. */
export function problem(status: number, title: string, detail: string, errors?: FieldProblem[]): HttpProblem {
  return new HttpProblem(status, title, detail, errors)
}

/** 404 for a thing that does not exist, or that this caller may not know of. */
export function notFound(what: string, id: string): HttpProblem {
  return new HttpProblem(404, `No such ${what}`, `There is no ${what} "${id.slice(0, 200)}" here.`)
}

/** 413, naming the limit in bytes. */
export function bodyTooLarge(bytesMax: number): HttpProblem {
  return new HttpProblem(413, 'The body is too large', `At most ${bytesMax} bytes are taken here.`, [
    { field: '', problem: `is larger than ${bytesMax} bytes`, limit: bytesMax },
  ])
}

/** 412 when If-Match was given and the thing has changed since; 428 when it was needed and is missing. */
export function requireMatch(ifMatch: string | undefined, etag: string, what: string, required = true): void {
  if (ifMatch === undefined || ifMatch === '') {
    if (!required) return
    throw new HttpProblem(
      428,
      'If-Match is required',
      `Send the ETag of the ${what} that you saw as If-Match, so that nobody's change is lost.`,
    )
  }
  if (ifMatch !== '*' && ifMatch !== etag)
    throw new HttpProblem(
      412,
      `The ${what} has changed`,
      `It is now ${etag}; you sent ${ifMatch.slice(0, 100)}. Load it again and look at what changed.`,
    )
}

/** The JSON body of a problem. */
export function problemBody(error: HttpProblem, instance: string): Record<string, unknown> {
  return {
    type: `https://custos.example/problems/${error.title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`,
    title: error.title,
    status: error.status,
    detail: error.message,
    instance,
    ...(error.errors === undefined ? {} : { errors: error.errors }),
  }
}
