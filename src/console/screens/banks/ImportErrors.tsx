import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { importErrors } from '../../../http/contract/bank-imports.ts'
import { client } from '../../api.ts'
import { countOf } from '../../frame/time.ts'

type Refused = { line: number; problems: { field: string; problem: string }[]; row?: unknown }
const shownMax = 50
/** Enough of the answer for the rows that are shown; a list may refuse millions. */
const readBytesMax = 200_000

/** Reads the beginning of the refused rows. */
async function readRefused(url: string, signal: AbortSignal): Promise<Refused[]> {
  const response = await fetch(url, { signal })
  if (!response.ok || response.body === null) throw new Error(`the server answers ${response.status}`)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) break
    text += value
    if (text.length > readBytesMax) {
      await reader.cancel()
      text = text.slice(0, text.lastIndexOf('\n'))
      break
    }
  }
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, shownMax)
    .map((line) => JSON.parse(line) as Refused)
}

function problemsText({ problems }: Refused): string {
  return problems.map(({ field, problem }) => (field === '' ? problem : `${field}: ${problem}`)).join('; ')
}

/** Which rows of an import were refused, and why, unfolded on demand. */
export function ImportErrors({ bankId, importId, refused }: { bankId: string; importId: string; refused: number }) {
  const [open, setOpen] = useState(false)
  const rows = useQuery({
    queryKey: [importErrors.id, importId, refused],
    queryFn: ({ signal }) => readRefused(client.url(importErrors, { params: { bankId, importId } }), signal),
    enabled: open,
  })
  return (
    <details className="import-text small" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{countOf(refused, 'row')} refused: why</summary>
      {rows.isError ? <p>The refused rows cannot be read now.</p> : null}
      {rows.data === undefined ? null : (
        <div className="table-scroll" role="region" aria-label="Refused rows" tabIndex={0}>
          <table className="plain-table">
            <thead>
              <tr>
                <th className="num">Line</th>
                <th>Why it was refused</th>
                <th>Row</th>
              </tr>
            </thead>
            <tbody>
              {rows.data.map((one) => (
                <tr key={one.line}>
                  <td className="num">{one.line.toLocaleString('en')}</td>
                  <td>{problemsText(one)}</td>
                  <td>
                    <code className="faint">
                      {(typeof one.row === 'string' ? one.row : JSON.stringify(one.row))?.slice(0, 120)}
                    </code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {refused > shownMax ? (
            <p className="faint">The first {shownMax}; download the file for all of them.</p>
          ) : null}
        </div>
      )}
    </details>
  )
}
