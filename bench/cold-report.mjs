// Medians and ratios of what bench/cold-worker.mjs measured, as Markdown.

export function median(list) {
  const sorted = [...list].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

const short = (value) => value.toFixed(value < 100 ? 1 : 0)

function collect(reports) {
  const systems = Object.keys(reports)
  const cases = new Map()
  for (const [system, { times }] of Object.entries(reports)) {
    for (const [name, list] of Object.entries(times)) {
      if (!cases.has(name)) cases.set(name, { runs: list.length })
      const all = list.map(({ ms }) => ms)
      const cpu = list.reduce((total, one) => total + one.cpu, 0) / list.length
      const faults = median(list.map((one) => one.faults))
      cases.get(name)[system] = {
        median: median(all),
        least: Math.min(...all),
        cpu,
        faults,
      }
    }
  }
  return { systems, cases }
}

/**
 * Prints a table of cases against systems, and the stages of our own calls.
 *
 * @param reports by system what its worker measured; the first is the one that ratios are of
 * @param {object} how
 * @param {string} how.machine
 * @param {boolean} how.perf whether the times are processor time, counted with page faults
 */
export function printReport(reports, { machine, perf }) {
  const { systems, cases } = collect(reports)
  const [ours, ...peers] = systems
  const what = perf
    ? 'Processor time, medians in ms (least; page faults)'
    : 'Medians in ms (least; mean processor time)'
  const last = ({ cpu, faults }) => (perf ? faults.toFixed(0) : short(cpu))
  const lines = [`${what}; ${machine}`, '']
  const ratios = peers.map((peer) => `${ours} / ${peer}`)
  lines.push(`| Case | ${systems.join(' | ')} | runs | ${ratios.join(' | ')} |`)
  lines.push(`|---|${'---:|'.repeat(systems.length + 1 + ratios.length)}`)
  for (const [name, row] of cases) {
    const cells = systems.map((s) =>
      row[s] ? `${short(row[s].median)} (${short(row[s].least)}; ${last(row[s])})` : '',
    )
    const ratio = (peer) =>
      row[ours] && row[peer] ? (row[ours].median / row[peer].median).toFixed(2) : '–'
    lines.push(
      `| ${name} | ${cells.join(' | ')} | ${row.runs} | ${peers.map(ratio).join(' | ')} |`,
    )
  }
  for (const [system, { marks }] of Object.entries(reports)) {
    for (const [name, stages] of Object.entries(marks)) {
      const parts = Object.entries(stages).map(
        ([stage, list]) => `${stage} ${median(list).toFixed(2)}`,
      )
      const title = `${system}: ${name}, ms until each stage from the one before`
      lines.push('', `${title}: ${parts.join(', ')}`)
    }
  }
  process.stdout.write(`${lines.join('\n')}\n`)
}
