/** Parts that were started, to be ended when the whole ends. */
export type Stops = {
  add: (stop: () => Promise<unknown>) => void
  /**
   * Ends them, the last one first; each once. What cannot be ended properly, because the database has gone, say, does not
   * keep the rest from ending; its error is thrown at the end, several as an AggregateError.
   */
  all: () => Promise<void>
}

/** An empty list of them. */
export function createStops(): Stops {
  const stops: (() => Promise<unknown>)[] = []
  return {
    add: (stop) => void stops.push(stop),
    async all() {
      const errors: unknown[] = []
      for (const stop of stops.splice(0).reverse())
        try {
          await stop()
        } catch (error) {
          errors.push(error)
        }
      if (errors.length > 1) throw new AggregateError(errors, 'Several parts could not be stopped')
      if (errors.length === 1) throw errors[0]
    },
  }
}
