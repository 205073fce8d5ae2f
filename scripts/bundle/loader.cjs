// The script inside Node's blob: finds our code behind the end of the executable, and runs it.
//
// Node's own code cache for a single executable holds what was compiled at build time only, so
// few functions; and node:sea takes milliseconds to load. So our code and the addon lie behind
// the ELF file: a part for each program with V8's cache of the functions that its calls run. A
// part is fetched by one read.
'use strict'
const { fstatSync, openSync, readSync } = require('fs')
const { Script } = require('vm')

/* global PROGRAMS, PARTS: name → [distance from the end of the file, length, length of the cache], put in
   by the build */
const parts = PARTS
// Not process.execPath: an upgrade may have put another file there since this one was started.
const fd = openSync('/proc/self/exe', 'r')
const end = fstatSync(fd).size

function read(before, length) {
  const bytes = Buffer.allocUnsafeSlow(length)
  for (let at = 0; at < length;) {
    const size = readSync(fd, bytes, at, length - at, end - before + at)
    if (size === 0) throw new Error('the executable is cut off: install it again')
    at += size
  }
  return bytes
}

function run(name) {
  const [before, code, cache] = parts[name]
  const bytes = read(before, code + cache)
  const script = new Script(bytes.latin1Slice(0, code), {
    filename: `vnet-cni/${name}`,
    cachedData: cache ? bytes.subarray(code) : undefined,
  })
  if (cache && script.cachedDataRejected && process.env.VNET_CNI_TRACE) {
    process.emitWarning('vnet-cni: V8 rejects the code cache')
  }
  return script.runInThisContext()(load, embedded)
}

const has = (name) => Object.hasOwn(parts, name)
const load = (name) => (has(name) ? run(name) : require(name))
const embedded = { addon: () => read(...parts.addon) }

// As lib/main.ts does: by the name that we were called by, else by the first argument.
const called = process.argv0.slice(process.argv0.lastIndexOf('/') + 1)
const [program = 'cli'] = [called, process.argv[2]].filter((name) =>
  PROGRAMS.includes(name),
)
run(program)
