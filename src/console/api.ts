import {
  QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type UseQueryResult,
} from '@tanstack/react-query'
import { notifications } from '@mantine/notifications'
import { useMemo } from 'react'
import type { AnyRoute } from '../http/contract/any-route.ts'
import type { Problem, ResponseOf } from '../http/contract/route.ts'
import { ApiError, createClient, type CallInput } from '../http/client.ts'

/** The typed client. Signed-in people are known by their cookie, which the browser sends by itself. */
export const client = createClient({ baseUrl: '', fetch: (input, init) => fetch(input, init) })

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: true,
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status < 500),
    },
  },
})

export function keyOf<R extends AnyRoute>(route: R, input?: CallInput<R>): unknown[] {
  const { params, query, body } = (input ?? {}) as { params?: unknown; query?: unknown; body?: unknown }
  return input === undefined
    ? [route.id]
    : [route.id, params ?? null, query ?? null, ...(body === undefined ? [] : [body])]
}

export type ReadOptions = { enabled?: boolean; everyMs?: number; keep?: boolean; staleMs?: number }

/** Reads a route. The key is the route with its input (also the body of those that read by POST), so that it is asked once. */
export function useRead<R extends AnyRoute>(
  route: R,
  input: CallInput<R>,
  options: ReadOptions = {},
): UseQueryResult<ResponseOf<R>> {
  return useQuery<ResponseOf<R>>({
    queryKey: keyOf(route, input),
    queryFn: ({ signal }) => client.call(route, { ...input, signal }),
    enabled: options.enabled ?? true,
    refetchInterval: options.everyMs ?? false,
    ...(options.staleMs === undefined ? {} : { staleTime: options.staleMs }),
    ...(options.keep ? { placeholderData: (before: unknown) => before as never } : {}),
  })
}

/** Warms the cache for what will probably be asked next. */
export function prefetch<R extends AnyRoute>(route: R, input: CallInput<R>): void {
  void queries.prefetchQuery({ queryKey: keyOf(route, input), queryFn: () => client.call(route, input) })
}

type PageOf<R> = ResponseOf<R> extends { items: (infer Item)[] } ? Item : never

export type Pages<Item> = {
  items: Item[]
  first: boolean
  error: unknown
  more: boolean
  loadMore: () => void
  refetch: () => void
  fetching: boolean
}

/** Reads a list page by page and joins the pages. */
export function usePages<R extends AnyRoute>(
  route: R,
  input: CallInput<R>,
  options: ReadOptions & { limit?: number } = {},
): Pages<PageOf<R>> {
  const asked = input as { params?: unknown; query?: Record<string, unknown> }
  const limit = options.limit ?? 100
  const result = useInfiniteQuery({
    queryKey: ['pages', ...keyOf(route, input), limit],
    queryFn: ({ pageParam, signal }) =>
      client.call(route, {
        ...asked,
        query: { ...asked.query, limit, ...(pageParam === undefined ? {} : { after: pageParam }) },
        signal,
      } as never) as Promise<{ items: PageOf<R>[]; next: string | null }>,
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    enabled: options.enabled ?? true,
    refetchInterval: options.everyMs ?? false,
    placeholderData: (before) => before,
  })
  const items = useMemo(() => result.data?.pages.flatMap((page) => page.items) ?? [], [result.data])
  return {
    items,
    first: result.isPending && (options.enabled ?? true),
    error: result.error,
    more: result.hasNextPage,
    loadMore: () => {
      if (result.hasNextPage && !result.isFetchingNextPage) void result.fetchNextPage()
    },
    refetch: () => void result.refetch(),
    fetching: result.isFetching,
  }
}

/** Forgets what was read from these routes, in every shape, so that it is read anew. */
export function forget(...routes: AnyRoute[]): Promise<unknown> {
  return queries.invalidateQueries({
    predicate: ({ queryKey }) =>
      routes.some((route) => queryKey[0] === route.id || (queryKey[0] === 'pages' && queryKey[1] === route.id)),
  })
}

/** Forgets everything whose route id begins with one of these resources: `decisions`, `banks`. */
export function forgetResources(...resources: string[]): Promise<unknown> {
  return queries.invalidateQueries({
    predicate: ({ queryKey }) => {
      const id = String(queryKey[0] === 'pages' ? queryKey[1] : queryKey[0])
      return resources.some((resource) => id.startsWith(`${resource}.`))
    },
  })
}

/**
 * A change: calls the route, then forgets the named resources and says in words that it is done. A refusal is shown where
 * the caller puts `error`, or as a message when `quiet` is not set.
 */
export function useChange<R extends AnyRoute>(
  route: R,
  options: {
    touches: string[]
    done?: string | ((body: ResponseOf<R>) => string)
    onDone?: (body: ResponseOf<R>) => void
    quiet?: boolean
  },
) {
  const known = useQueryClient()
  return useMutation<ResponseOf<R>, Error, CallInput<R>>({
    mutationFn: (input) => client.call(route, input),
    onSuccess: (body) => {
      void known.invalidateQueries({
        predicate: ({ queryKey }) => {
          const id = String(queryKey[0] === 'pages' ? queryKey[1] : queryKey[0])
          return options.touches.some((resource) => id.startsWith(`${resource}.`))
        },
      })
      if (options.done !== undefined)
        notifications.show({
          message: typeof options.done === 'string' ? options.done : options.done(body),
          autoClose: 4_000,
          closeButtonProps: { 'aria-label': 'Close message' },
        })
      options.onDone?.(body)
    },
    onError: (error) => {
      if (!options.quiet)
        notifications.show({
          title: problemOf(error).title,
          message: problemText(error),
          color: 'harm',
          autoClose: 8_000,
          closeButtonProps: { 'aria-label': 'Close message' },
        })
    },
  })
}

/** Any error as problem details: what the server said, or what stands in the way of reaching it. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem
  if (error instanceof TypeError)
    return {
      type: 'about:blank',
      status: 0,
      title: 'The server does not answer',
      detail: 'Nothing was changed. Check that Custos is running and that you are connected, then try again.',
    }
  return {
    type: 'about:blank',
    status: 0,
    title: 'This did not work',
    detail: error instanceof Error ? error.message : String(error),
  }
}

/** The detail of a problem with the fields it names, in one text. */
export function problemText(error: unknown): string {
  const problem = problemOf(error)
  const fields = (problem.errors ?? []).map((each) => `${each.field || 'input'}: ${each.problem}`)
  return [problem.detail ?? '', ...fields.slice(0, 5)].filter((text) => text !== '').join(' · ')
}
