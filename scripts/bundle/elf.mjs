// What must be known of Node's binary to change something of it: where a symbol's bytes stand.
import { closeSync, openSync, readSync, writeSync } from 'node:fs'

const SHT_SYMTAB = 2

/**
 * Has `act` look at a file and change it.
 *
 * @param {string} path of a 64-bit little-endian ELF file with its symbols
 * @param {(file: { read: Function, write: Function }) => void} act
 */
export function changeFile(path, act) {
  const fd = openSync(path, 'r+')
  const read = (at, length) => {
    const bytes = Buffer.alloc(Number(length))
    readSync(fd, bytes, 0, bytes.length, Number(at))
    return bytes
  }
  try {
    act({ read, write: (at, bytes) => writeSync(fd, bytes, 0, bytes.length, at) })
  } finally {
    closeSync(fd)
  }
}

/** The machine that an ELF file is for, by elf.h's number. */
export const machineOf = (read) => read(0, 64).readUInt16LE(18)

/** Where a symbol's bytes stand in the file (elf.h: Elf64_Ehdr, Elf64_Shdr, Elf64_Sym). */
export function placeOf(name, read) {
  const header = read(0, 64)
  const sections = Array.from({ length: header.readUInt16LE(60) }, (_, i) => {
    const start = header.readBigUInt64LE(40) + BigInt(i * header.readUInt16LE(58))
    const entry = read(start, 64)
    return {
      type: entry.readUInt32LE(4),
      address: entry.readBigUInt64LE(16),
      offset: entry.readBigUInt64LE(24),
      size: entry.readBigUInt64LE(32),
      link: entry.readUInt32LE(40),
    }
  })
  const table = sections.find(({ type }) => type === SHT_SYMTAB)
  if (!table) return undefined
  const { offset, size } = sections[table.link]
  const names = read(offset, size)
  const wanted = names.indexOf(`\0${name}\0`) + 1
  if (wanted === 0) return undefined
  const symbols = read(table.offset, table.size)
  for (let at = 0; at < symbols.length; at += 24) {
    if (symbols.readUInt32LE(at) !== wanted) continue
    const section = sections[symbols.readUInt16LE(at + 6)]
    const address = symbols.readBigUInt64LE(at + 8)
    return section && Number(section.offset + (address - section.address))
  }
  return undefined
}
