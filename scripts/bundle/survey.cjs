// Run by the Node that goes into the bundle: tells as JSON what a program's usual call runs.
//
//   node survey.cjs NOTING.cjs OUTPUT PROGRAM VERB FAKE-KERNEL.cjs
//
// NOTING is the program as split.mjs writes it; PROGRAM-whole.cjs lie beside it. The answer has the
// functions that run, by where they stand in the program's own, and the late values that are made, each
// after those that it needs.
'use strict'
const { readFileSync, writeFileSync } = require('node:fs')
const { Session } = require('node:inspector')
const { Script } = require('node:vm')
const { rehearse } = require('./rehearsal.cjs')
const { stagehand } = require('./stagehand.cjs')

async function main([noting, output, program, verb, fakeKernel]) {
  const load = (path, filename) =>
    new Script(readFileSync(path, 'latin1'), { filename }).runInThisContext()
  const made = new Set()
  const note = (value, name) => {
    made.add(name)
    return value
  }
  const job = { program, verb, stagehand, testing: require(fakeKernel), note }
  await rehearse({ ...job, part: load(noting, 'noting') })
  const functions = await functionsRun('usual', () =>
    rehearse({ ...job, part: load(`${program}-whole.cjs`, 'usual') }),
  )
  writeFileSync(output, JSON.stringify({ functions, made: [...made] }))
}

/** The places of the functions of a script that run while something is done. */
async function functionsRun(filename, act) {
  const session = new Session()
  session.connect()
  // Its callbacks come before it returns.
  const ask = (method, options) => {
    let answer
    session.post(`Profiler.${method}`, options, (error, result) => {
      if (error) throw new Error(error.message)
      answer = result
    })
    return answer
  }
  ask('enable')
  ask('startPreciseCoverage', { callCount: false, detailed: false })
  await act()
  const { result } = ask('takePreciseCoverage')
  session.disconnect()
  const { functions } = result.find(({ url }) => url === filename)
  return functions
    .map(({ ranges: [range] }) => range)
    .filter(({ count }) => count > 0)
    .map(({ startOffset, endOffset }) => [startOffset, endOffset])
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
