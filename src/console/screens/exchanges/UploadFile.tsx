import { Button } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconUpload } from '@tabler/icons-react'
import { useRef, useState } from 'react'
import { uploadExchangeFile, type ExchangeRun } from '../../../http/contract/exchanges.ts'
import type { Problem } from '../../../http/contract/route.ts'
import { ApiError } from '../../../http/client.ts'
import { client, forgetResources, problemOf, problemText } from '../../api.ts'
import { countsText } from './state.ts'

/** Sends a file of hashes to an exchange that is filled by hand. */
export function UploadFile({ exchangeId }: { exchangeId: string }) {
  const field = useRef<HTMLInputElement>(null)
  const [busy, setBusy] = useState(false)
  const send = async (file: File | undefined) => {
    if (file === undefined) return
    setBusy(true)
    try {
      const response = await fetch(client.url(uploadExchangeFile, { params: { exchangeId } }), {
        method: 'POST',
        body: file,
        headers: { 'content-type': 'application/octet-stream', accept: 'application/json' },
      })
      const answer: unknown = await response.json()
      if (!response.ok) throw new ApiError(response.status, answer as Problem)
      notifications.show({ message: countsText((answer as ExchangeRun).counts), autoClose: 6_000 })
    } catch (error) {
      notifications.show({
        title: problemOf(error).title,
        message: problemText(error),
        color: 'harm',
        autoClose: 8_000,
      })
    } finally {
      setBusy(false)
      if (field.current !== null) field.current.value = ''
      void forgetResources('exchanges', 'banks')
    }
  }
  return (
    <>
      <input
        ref={field}
        type="file"
        hidden
        aria-label="File of hashes"
        onChange={(event) => void send(event.currentTarget.files?.[0])}
      />
      <Button
        variant="filled"
        loading={busy}
        leftSection={<IconUpload size={14} aria-hidden />}
        onClick={() => field.current?.click()}
      >
        Upload file
      </Button>
    </>
  )
}
