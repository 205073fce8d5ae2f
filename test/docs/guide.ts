/**
 * What the tests of the documentation share: the code of a page becomes a program in a package of
 * its own that has `vnet-cni` installed, and runs, as it stands, in a space whose network, mounts and
 * processes go with it.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CommandError, run, runSync, type Outcome } from '../helpers/process.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A program of a page. */
export interface Program {
  readonly code: string
  /** The lines that the page says it prints. */
  readonly printed: readonly string[]
}

/** What a page shows. */
export interface Page {
  readonly main: Program
  /** The section "Take it away", which is a program of its own. */
  readonly teardown?: Program
}

const TEARDOWN = 'Take it away'

function section(text: string, heading: string): string | undefined {
  const start = text.indexOf(`\n## ${heading}\n`)
  if (start < 0) return undefined
  const end = text.indexOf('\n## ', start + 1)
  return text.slice(start, end < 0 ? undefined : end)
}

/** The `js` blocks are one program, the `text` blocks what it prints. */
function program(text: string): Program {
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
  const of = (language: string) =>
    blocks.filter(([, word]) => word === language).map(([, , body = '']) => body)
  const code = of('js').join('\n')
  if (!code) throw new Error('no js block')
  return { code, printed: of('text').join('').split('\n').slice(0, -1) }
}

/** Reads a page below the project's folder, or the section of it that has that heading. */
export function readPage(path: string, heading?: string): Page {
  const whole = readFileSync(join(ROOT, path), 'utf8')
  const text = heading === undefined ? whole : section(whole, heading)
  if (text === undefined) throw new Error(`${path}: no section ${heading}`)
  const end = section(text, TEARDOWN)
  const main = program(end ? text.replace(end, '') : text)
  return { main, ...(end && { teardown: program(end) }) }
}

/** Writes the programs into a new package that has `vnet-cni` installed. */
export function install(page: Page, folder: string): void {
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(ROOT, join(folder, 'node_modules/vnet-cni'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  for (const [name, { code }] of Object.entries(page) as [string, Program][]) {
    writeFileSync(join(folder, `${name}.js`), code)
  }
}

const UNSHARE = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
// Namespaces are pinned in /run: this one is seen from inside only. The shell ends with its input.
const HOLDER = 'mount -t tmpfs tmpfs /run && echo ready && while read -r _; do :; done'

/** A network, mounts and processes of their own, which go with this process at the latest. */
export class Space {
  readonly folder = mkdtempSync(join(tmpdir(), 'vnet-cni-docs-'))
  readonly #holder: ChildProcess

  private constructor() {
    this.#holder = spawn('unshare', [...UNSHARE, 'bash', '-c', HOLDER], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
  }

  /** Makes a space. */
  static async open(): Promise<Space> {
    const space = new Space()
    await new Promise<void>((resolve, reject) => {
      space.#holder.stdout?.once('data', () => resolve())
      space.#holder.once('error', reject)
      space.#holder.once('exit', () => reject(new Error('unshare failed')))
    })
    return space
  }

  #enter(command: readonly string[]): string[] {
    const ns = `/proc/${this.#holder.pid}/ns`
    const spaces = [
      `--net=${ns}/net`,
      `--mount=${ns}/mnt`,
      `--pid=${ns}/pid_for_children`,
    ]
    return [...spaces, ...command]
  }

  /** Runs a program inside to its end. */
  run(...command: string[]): Promise<Outcome> {
    // The test runner's own options would load its modules into the program.
    const env = { NODE_OPTIONS: undefined }
    return run('nsenter', this.#enter(command), { env, cwd: this.folder })
  }

  /** What a program that has to succeed prints inside. */
  must(...command: string[]): string {
    const done = runSync('nsenter', this.#enter(command))
    if (done.code !== 0) throw new CommandError(command.join(' '), done)
    return done.stdout
  }

  /** The same for a line of words, in a pinned namespace; the answer is JSON. */
  json(namespace: string, line: string): Record<string, any>[] {
    const text = this.must('ip', 'netns', 'exec', namespace, ...line.split(' ')).trim()
    const list = JSON.parse(text || '[]') as Record<string, any>[]
    return list.filter((item) => Object.keys(item).length > 0)
  }

  /** Ends all processes inside; network and mounts go with the last. */
  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#holder.once('exit', resolve))
    this.#holder.kill('SIGKILL')
    await gone
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A page whose main program ran. */
export interface Played {
  readonly page: Page
  readonly space: Space
  /** The lines that it printed. */
  readonly printed: readonly string[]
  /** Runs the page's teardown to its end. */
  takeAway(): Promise<void>
}

/** How a page is played. */
export interface PlayOptions {
  /** The section to play; the whole page when absent. */
  readonly heading?: string
  /** A program that starts the page's, such as one that takes rights away. */
  readonly by?: readonly string[]
}

/** Runs a page with this Node in a new space; the caller closes that. */
export async function play(path: string, options: PlayOptions = {}): Promise<Played> {
  const { heading, by = [] } = options
  const page = readPage(path, heading)
  const space = await Space.open()
  const start = async (name: keyof Page) => {
    const script = join(space.folder, `${name}.js`)
    const { code, stdout, stderr } = await space.run(...by, process.execPath, script)
    if (code !== 0) throw new Error(`${path}: ${name}: ${stderr || stdout}`)
    return stdout.split('\n').slice(0, -1)
  }
  try {
    install(page, space.folder)
    const printed = await start('main')
    return { page, space, printed, takeAway: async () => void (await start('teardown')) }
  } catch (error) {
    await space.close()
    throw error
  }
}
