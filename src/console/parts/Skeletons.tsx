import { Skeleton } from '@mantine/core'

/** Grey lines where rows will stand. Says what loads to those who cannot see it. */
export function SkeletonRows({ rows = 8, what = 'list' }: { rows?: number; what?: string }) {
  return (
    <div role="status" aria-label={`Loading ${what}`} style={{ padding: '4px 12px' }}>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className="row" style={{ height: 32, gap: 16 }}>
          <Skeleton height={10} width={`${14 + ((index * 7) % 9)}%`} />
          <Skeleton height={10} width={`${30 + ((index * 13) % 25)}%`} />
          <Skeleton height={10} width="10%" />
        </div>
      ))}
    </div>
  )
}

export function SkeletonPage({ what = 'page' }: { what?: string }) {
  return (
    <div role="status" aria-label={`Loading ${what}`} style={{ padding: 16 }}>
      <Skeleton height={16} width={220} mb={16} />
      <Skeleton height={96} mb={12} />
      <Skeleton height={10} width="70%" mb={8} />
      <Skeleton height={10} width="55%" mb={8} />
      <Skeleton height={10} width="62%" />
    </div>
  )
}
