import './small.css'

const mac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform)
const shown: Record<string, string> = {
  mod: mac ? '⌘' : 'Ctrl',
  shift: '⇧',
  Enter: '↵',
  Escape: 'Esc',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Space: 'Space',
}

/** The keys of an action, printed: `mod+k`, `g e`. */
export function KeyHint({ keys }: { keys: string }) {
  return (
    <span className="key-hint" aria-hidden="true">
      {keys.split(' ').map((step, index) => (
        <span key={index} className="key-hint-step">
          {step.split('+').map((part) => (
            <kbd key={part}>{shown[part] ?? (part.length === 1 ? part.toUpperCase() : part)}</kbd>
          ))}
        </span>
      ))}
    </span>
  )
}
