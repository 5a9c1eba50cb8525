import type { Route } from './route.ts'

/** A route whatever its schemas; for code that handles all routes alike. */
// oxlint-disable-next-line typescript/no-explicit-any -- each use narrows by the route that is passed in.
export type AnyRoute = Route<any, any, any, any>
