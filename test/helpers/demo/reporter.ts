/** One thing that was done or looked at. */
export interface StepRecord {
  name: string
  ok: boolean
  ms: number
  detail?: string
}

/** A step ends with a text to show, or throws. */
export type Step = () => Promise<string | void> | string | void

const PAINT = { green: '32', red: '31', dim: '2', bold: '1' } as const

/** Says what is being done while it is being done. */
export class Reporter {
  readonly records: StepRecord[] = []
  readonly #quiet: boolean
  readonly #colour: boolean

  constructor(quiet: boolean) {
    this.#quiet = quiet
    this.#colour = process.stdout.isTTY === true && !process.env['NO_COLOR']
  }

  /** Whether nothing has failed. */
  get ok(): boolean {
    return this.records.every((record) => record.ok)
  }

  /** Text in a colour, where the terminal and the user want any. */
  paint(colour: keyof typeof PAINT, text: string): string {
    return this.#colour ? `\u001b[${PAINT[colour]}m${text}\u001b[0m` : text
  }

  /** Prints lines as they are. */
  say(...lines: string[]): void {
    if (!this.#quiet) process.stdout.write(`${lines.join('\n')}\n`)
  }

  /** Begins a group of steps. */
  heading(text: string): void {
    this.say('', this.paint('bold', text))
  }

  /** Does a step, times it and tells how it went; says whether it went well. */
  async step(name: string, action: Step): Promise<boolean> {
    const from = performance.now()
    let record: StepRecord
    try {
      const detail = await action()
      record = { name, ok: true, ms: 0, ...(detail && { detail }) }
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error)
      record = { name, ok: false, ms: 0, detail }
    }
    record.ms = Math.round((performance.now() - from) * 10) / 10
    this.records.push(record)
    this.#show(record)
    return record.ok
  }

  #show({ name, ok, ms, detail }: StepRecord): void {
    const mark = ok ? this.paint('green', '✓') : this.paint('red', '✗')
    const time = this.paint('dim', `${ms.toFixed(1)} ms`)
    const [first = '', ...more] = (detail ?? '').split('\n')
    this.say(`  ${mark} ${name}${first && ` · ${first}`}  ${time}`)
    for (const line of more) this.say(`      ${line}`)
  }
}
