import { useEffect, useRef, useState } from 'react'

export type ClearPicture = {
  /** Where the clear picture is, once it was asked for and came. */
  url: string | undefined
  failed: boolean
  /** Fetches it, once; the server notes who looked. */
  ask: () => void
}

/** A picture in full, fetched when somebody asks to see it and not before. */
export function useClearPicture(sha256: string | undefined, jobId?: string): ClearPicture {
  const [got, setGot] = useState<{ sha256: string; url?: string; failed?: boolean }>()
  const asked = useRef<string>(undefined)
  const url = got?.sha256 === sha256 ? got?.url : undefined
  useEffect(
    () => () => {
      if (got?.url !== undefined) URL.revokeObjectURL(got.url)
    },
    [got],
  )
  const ask = () => {
    if (sha256 === undefined || asked.current === sha256) return
    asked.current = sha256
    void fetch(`/v1/media/${sha256}?variant=full${jobId === undefined ? '' : `&job=${encodeURIComponent(jobId)}`}`)
      .then(async (response) => {
        if (!response.ok) throw new Error(String(response.status))
        setGot({ sha256, url: URL.createObjectURL(await response.blob()) })
      })
      .catch(() => {
        asked.current = undefined
        setGot({ sha256, failed: true })
      })
  }
  return { url, failed: got?.sha256 === sha256 && got?.failed === true, ask }
}
