import { readFileSync, rmSync, copyFileSync, mkdtempSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import tap from 'tap'
import { SCRIPTS } from '../helpers/plugin-folder.js'
import { run } from '../helpers/process.js'

const require = createRequire(import.meta.url)

interface Node {
  type: string
  isMissing: boolean
  hasError: boolean
  text: string
  startPosition: { row: number }
  children: Node[]
}
interface TreeSitter {
  Parser: (new () => {
    setLanguage(language: object): void
    parse(text: string): { rootNode: Node }
  }) & { init(options: object): Promise<void> }
  Language: { load(path: string): Promise<object> }
}

/** Lines of a script that are not PowerShell's. */
async function powershellErrors(text: string): Promise<string[]> {
  const main = require.resolve('@vscode/tree-sitter-wasm')
  const wasm = (name: string): string => join(dirname(main), name)
  const { Parser, Language } = require(main) as TreeSitter
  await Parser.init({ locateFile: () => wasm('tree-sitter.wasm') })
  const parser = new Parser()
  parser.setLanguage(await Language.load(wasm('tree-sitter-powershell.wasm')))
  const look = (node: Node): string[] =>
    node.type === 'ERROR' || node.isMissing
      ? [`line ${node.startPosition.row + 1}: ${node.text}`]
      : node.children.flatMap(look)
  return look(parser.parse(text).rootNode)
}

tap.test('install-cni-plugin.ps1 is PowerShell by its grammar', async (t) => {
  const script = readFileSync(join(SCRIPTS, 'install-cni-plugin.ps1'), 'utf8')
  t.strictSame(await powershellErrors(script), [])
  const broken = script.replace('function Get-Sum(', 'function Get-Sum{(')
  t.not((await powershellErrors(broken)).length, 0, 'the parser finds what is wrong')
})

tap.test('docker-run.sh and docker-del.sh without docker-common.sh', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'scripts-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['docker-run.sh', 'docker-del.sh']) {
    const alone = join(folder, name)
    copyFileSync(join(SCRIPTS, name), alone)
    const { code, stderr } = await run('sh', [alone, 'web', 'shop', 'busybox'])
    t.equal(code, 1)
    t.equal(
      stderr,
      `${name}: ${folder}/docker-common.sh is missing: get it from where this script came from\n`,
    )
    t.equal((await run('sh', [join(SCRIPTS, name), '--help'])).code, 0)
  }
})

tap.test('wrong calls of docker-del.sh', async (t) => {
  const calls: [string[], RegExp][] = [
    [['web'], /expected CONTAINER-NAME CONTAINER-NAMESPACE: see docker-del\.sh --help/],
    [['--frob', 'web', 'shop'], /unknown option --frob/],
    [['--engine'], /--engine needs a value/],
    [['--engine', 'nothing', 'web', 'shop'], /nothing is not installed: install it/],
  ]
  for (const [args, pattern] of calls) {
    const { code, stderr } = await run('sh', [join(SCRIPTS, 'docker-del.sh'), ...args])
    t.not(code, 0)
    t.match(stderr, pattern)
    t.equal(stderr.trim().split('\n').length, 1, 'one line')
  }
})
