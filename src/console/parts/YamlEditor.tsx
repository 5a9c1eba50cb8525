import { yaml } from '@codemirror/lang-yaml'
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { lintGutter, setDiagnostics, type Diagnostic } from '@codemirror/lint'
import { EditorState } from '@codemirror/state'
import { EditorView, keymap } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { basicSetup } from 'codemirror'
import { useEffect, useEffectEvent, useRef } from 'react'
import './editor.css'

export type TextProblem = { line?: number; column?: number; problem: string; field?: string }

// Three tones are enough to read YAML: names, texts, and what is commented out.
const highlight = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: [tags.string, tags.content], color: 'var(--text)' },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: 'var(--text)', fontWeight: '600' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--faint)', fontStyle: 'italic' },
  { tag: [tags.punctuation, tags.separator, tags.meta], color: 'var(--faint)' },
])

/** Where a problem stands in the text; the whole first line when it has no place. */
function diagnosticsOf(state: EditorState, problems: TextProblem[]): Diagnostic[] {
  return problems.map(({ line = 1, column = 1, problem, field }) => {
    const at = state.doc.line(Math.max(1, Math.min(state.doc.lines, line)))
    const from = Math.min(at.to, at.from + Math.max(0, column - 1))
    const word = /^[^\s:,]+/.exec(state.doc.sliceString(from, at.to))?.[0].length ?? 1
    return {
      from,
      to: Math.min(at.to, from + word),
      severity: 'error' as const,
      message: field === undefined || field === '' ? problem : `${field}: ${problem}`,
    }
  })
}

/** A YAML text with line numbers, and its problems marked where they stand. */
export function YamlEditor({
  text,
  onChange,
  problems = [],
  label,
  readOnly = false,
  onSave,
}: {
  text: string
  onChange?: (text: string) => void
  problems?: TextProblem[]
  label: string
  readOnly?: boolean
  /** Ctrl/Cmd-S. */
  onSave?: () => void
}) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const changed = useEffectEvent((next: string) => onChange?.(next))
  const save = useEffectEvent(() => onSave?.())
  const firstText = useRef(text)
  useEffect(() => {
    const editor = new EditorView({
      parent: host.current!,
      state: EditorState.create({
        doc: firstText.current,
        extensions: [
          basicSetup,
          yaml(),
          syntaxHighlighting(highlight),
          lintGutter(),
          EditorState.readOnly.of(readOnly),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': label, 'aria-multiline': 'true', tabindex: '0' }),
          keymap.of([
            {
              key: 'Mod-s',
              run: () => {
                save()
                return true
              },
            },
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed(update.state.doc.toString())
          }),
        ],
      }),
    })
    view.current = editor
    return () => {
      editor.destroy()
      view.current = null
    }
  }, [label, readOnly])
  // Another text from outside (another version was chosen) replaces what is shown.
  useEffect(() => {
    const editor = view.current
    if (editor !== null && editor.state.doc.toString() !== text)
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } })
  }, [text])
  useEffect(() => {
    const editor = view.current
    if (editor !== null) editor.dispatch(setDiagnostics(editor.state, diagnosticsOf(editor.state, problems)))
  }, [problems])
  return <div ref={host} className="editor" />
}
