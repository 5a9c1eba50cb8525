import { problemOf, problemText } from '../api.ts'

/** Why what was sent was refused, beside the button that sent it; nothing without an error. */
export function FormError({ error }: { error: unknown }) {
  if (error === undefined || error === null) return null
  return (
    <p role="alert" className="small form-error">
      {problemOf(error).title}. {problemText(error)}
    </p>
  )
}
