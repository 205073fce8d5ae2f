// Run by the Node that goes into the bundle, with the switches that it will run with: writes
// V8's code cache for a part of our code.
//
//   node make-cache.cjs PART.cjs OUTPUT PROGRAM VERB FAKE-KERNEL.cjs   the functions that a call runs
//   node make-cache.cjs PART.cjs OUTPUT                                every function
//
// A function that is in the cache takes time to read, one that is not takes longer to compile.
'use strict'
const { readFileSync, writeFileSync } = require('node:fs')
const { setFlagsFromString } = require('node:v8')
const { Script } = require('node:vm')
const { basename } = require('node:path')
const { rehearse } = require('./rehearsal.cjs')

async function main([input, output, program, verb, fakeKernel]) {
  const source = readFileSync(input, 'latin1')
  const filename = `vnet-cni/${basename(input, '.cjs')}`
  // What V8 compiles it would forget again after a while.
  const [on, off] = program
    ? ['--no-flush-bytecode', '--flush-bytecode']
    : ['--no-lazy', '--lazy']
  setFlagsFromString(on)
  const script = new Script(source, { filename })
  if (program) {
    // Of another text, or V8 would give it the same functions.
    const copy = new Script(`${source}\n`, { filename: 'stagehand' })
    await rehearse({
      program,
      verb,
      part: script.runInThisContext(),
      stagehand: copy.runInThisContext(),
      testing: require(fakeKernel),
    })
  }
  // The cache is valid for one set of switches: it must be written with those of a real start.
  setFlagsFromString(off)
  const cachedData = script.createCachedData()
  if (new Script(source, { filename, cachedData }).cachedDataRejected) {
    throw new Error('V8 rejects the code cache that it has just made')
  }
  writeFileSync(output, cachedData)
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
