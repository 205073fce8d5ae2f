/** What {@link VETH_PROGRAM} prints, as JSON. */
export interface VethReport {
  arch: string
  /** Names of the links in both namespaces, while the pair is there. */
  made: [string[], string[]]
  /** The same after it was deleted. */
  left: [string[], string[]]
  /** Addons in the program's memory. */
  addons: string[]
}

/** What {@link VETH_PROGRAM} reports when all is well, apart from the addons. */
export const VETH_MADE: Pick<VethReport, 'made' | 'left'> = {
  made: [
    ['lo', 'v0'],
    ['lo', 'v1'],
  ],
  left: [['lo'], ['lo']],
}

/**
 * Makes a veth pair between two new namespaces and deletes it again: statements for a program of
 * any module system that has imported `NetNs` from the package and `readFileSync` from Node.
 */
export const VETH_PROGRAM = `
async function main() {
  const a = NetNs.create()
  const b = NetNs.create()
  const names = () => [a, b].map((ns) => ns.sync.link.dump().map((link) => link.name))
  const plan = a.plan()
  plan.link.addVeth({ name: 'v0', up: true }, { name: 'v1', netns: b })
  await plan.run()
  const made = names()
  await a.link.del('v0')
  const left = names()
  const mapped = readFileSync('/proc/self/maps', 'utf8').match(/\\/\\S+\\.node$/gm)
  const addons = [...new Set(mapped)]
  console.log(JSON.stringify({ arch: process.arch, made, left, addons }))
}
main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
`

/** The same program as a CommonJS module. */
export const VETH_COMMONJS = `
const { readFileSync } = require('node:fs')
const { NetNs } = require('vnet-cni')
${VETH_PROGRAM}`

/** The same program as an ES module; TypeScript takes it too. */
export const VETH_MODULE = `
import { readFileSync } from 'node:fs'
import { NetNs } from 'vnet-cni'
${VETH_PROGRAM}`
