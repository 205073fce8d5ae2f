// Run by the Node that goes into the bundle, with the switches that it will run with: writes
// V8's code cache for a script, every function of it compiled.
'use strict'
const { readFileSync, writeFileSync } = require('node:fs')
const { setFlagsFromString } = require('node:v8')
const { Script } = require('node:vm')

const [, , input, output] = process.argv
const source = readFileSync(input, 'latin1')
setFlagsFromString('--no-lazy')
const script = new Script(source, { filename: 'vnet-cni' })
// The cache is valid for one set of switches: it must be written with those of a real start.
setFlagsFromString('--lazy')
const cachedData = script.createCachedData()
if (new Script(source, { filename: 'vnet-cni', cachedData }).cachedDataRejected) {
  throw new Error('V8 rejects the code cache that it has just made')
}
writeFileSync(output, cachedData)
