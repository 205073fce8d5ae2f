// The far end of ../remote.ts: a script that is spoken to by lines of JSON, on its standard input
// and output.
import { createInterface } from 'node:readline'

/** Says something to whoever started this script. */
export function tell(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

/**
 * Carries out what is asked from now on: `{ type, id, … }` calls the command of that name, whose
 * answer goes back under the same id. `others` gets messages that are no questions, `atEnd` is
 * called when whoever asks is gone.
 */
export function converse(commands, { others = () => {}, atEnd = () => {} } = {}) {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', async (line) => {
    const message = JSON.parse(line)
    const command = commands[message.type]
    if (!command) return others(message)
    try {
      tell({ type: 'done', id: message.id, value: await command(message) })
    } catch (error) {
      tell({ type: 'failed', id: message.id, message: error.message })
    }
  })
  lines.on('close', async () => {
    await atEnd()
    process.exit(0)
  })
}
