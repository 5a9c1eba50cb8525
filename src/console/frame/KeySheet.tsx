import { Modal } from '@mantine/core'
import { KeyHint } from '../parts/KeyHint.tsx'
import { useKeyGroups } from './keys.ts'

/** All keys that work on this screen, innermost first. */
export function KeySheet({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const groups = useKeyGroups()
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={<h2>Keys of this screen</h2>}
      size={640}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <div className="key-sheet">
        {groups.toReversed().map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <ul>
              {group.keys.map((key) => (
                <li key={key.keys}>
                  <span>{key.does}</span>
                  <span className="muted">
                    <span className="hidden-visually">{key.keys}</span>
                    <KeyHint keys={key.keys} />
                  </span>
                </li>
              ))}
            </ul>
          </section>
        ))}
        <section>
          <h3>Lists</h3>
          <ul>
            {[
              ['j', 'Next row'],
              ['k', 'Row before'],
              ['Enter', 'Open the marked row'],
            ].map(([keys, does]) => (
              <li key={keys}>
                <span>{does}</span>
                <span className="muted">
                  <KeyHint keys={keys!} />
                </span>
              </li>
            ))}
          </ul>
        </section>
      </div>
    </Modal>
  )
}
