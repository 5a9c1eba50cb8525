import { Button, Modal, Select, Switch, TagsInput, TextInput } from '@mantine/core'
import { useState } from 'react'
import { listBanks, makeBankEntry } from '../../../http/contract/banks.ts'
import { makeUpload, type Upload } from '../../../http/contract/match.ts'
import type { Problem } from '../../../http/contract/route.ts'
import { ApiError } from '../../../http/client.ts'
import { client, useChange, useRead } from '../../api.ts'
import { useMay } from '../../frame/session.tsx'
import { useUrl, path } from '../../frame/url.ts'
import type { Asked } from './asked.ts'
import { FormError } from '../../parts/FormError.tsx'

/** Puts what was looked up into a bank: with its content, or as a hash alone. */
export function AddToBank({ asked, onClose }: { asked: Asked; onClose: () => void }) {
  const url = useUrl()
  const mayUpload = useMay('uploads:write')
  const banks = useRead(listBanks, { query: { limit: 1_000 } })
  const [bankId, setBankId] = useState<string | null>(null)
  const [labels, setLabels] = useState<string[]>([])
  const [source, setSource] = useState('')
  const { pdq } = asked.hashes?.signals ?? {}
  const [keep, setKeep] = useState(mayUpload || pdq === undefined)
  const [sending, setSending] = useState(false)
  const [refused, setRefused] = useState<unknown>()
  const add = useChange(makeBankEntry, {
    touches: ['banks'],
    done: 'The entry was added; it matches from now on',
    onDone: (entry) => url.go(path`/banks/${entry.bankId}/${entry.entryId}`),
    quiet: true,
  })
  const words = asked.typed?.as === 'text' ? asked.typed.words : undefined
  const takesFile = asked.file !== undefined && keep && mayUpload
  const possible = words !== undefined || takesFile || pdq !== undefined
  const submit = async () => {
    setRefused(undefined)
    setSending(true)
    try {
      const content =
        words !== undefined
          ? { text: words }
          : takesFile
            ? { upload: (await upload(asked.file!)).upload }
            : {
                pdq: pdq!,
                ...(asked.hashes?.quality === undefined ? {} : { quality: asked.hashes.quality }),
              }
      add.mutate({
        params: { bankId: bankId! },
        body: { ...content, labels, ...(source.trim() === '' ? {} : { source: source.trim() }) },
      })
    } catch (error) {
      setRefused(error)
    } finally {
      setSending(false)
    }
  }
  const error = refused ?? add.error
  return (
    <Modal
      opened
      onClose={onClose}
      title={<h2>Add to a bank</h2>}
      size={480}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form
        className="stack"
        style={{ gap: 12 }}
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <Select
          label="Bank"
          required
          searchable
          data={(banks.data?.items ?? []).map((bank) => ({ value: bank.bankId, label: bank.name }))}
          value={bankId}
          onChange={setBankId}
          nothingFoundMessage="No bank of this name"
          data-autofocus
        />
        {asked.file !== undefined && pdq !== undefined ? (
          <Switch
            label="Keep the picture, not only its hash"
            description={
              mayUpload
                ? 'Reviewers can then compare it; every look is logged'
                : 'Your role may not keep files: only the hash is added'
            }
            checked={keep && mayUpload}
            disabled={!mayUpload}
            onChange={(event) => setKeep(event.currentTarget.checked)}
          />
        ) : null}
        <TagsInput label="Labels" placeholder="Enter after each" value={labels} onChange={setLabels} size="xs" />
        <TextInput
          label="Source"
          placeholder="Where it came from"
          value={source}
          onChange={(event) => setSource(event.currentTarget.value)}
        />
        {possible ? null : (
          <p className="small muted" style={{ margin: 0 }}>
            Photos, texts and PDQ hashes can be added here. Your role may not keep files.
          </p>
        )}
        <FormError error={error} />
        <Button
          type="submit"
          variant="filled"
          disabled={bankId === null || !possible}
          loading={sending || add.isPending}
        >
          Add to bank
        </Button>
      </form>
    </Modal>
  )
}

async function upload(file: File): Promise<Upload> {
  const response = await fetch(client.url(makeUpload, {}), {
    method: makeUpload.method,
    body: file,
    headers: { 'content-type': file.type || 'application/octet-stream' },
  })
  const body: unknown = await response.json()
  if (!response.ok) throw new ApiError(response.status, body as Problem)
  return body as Upload
}
