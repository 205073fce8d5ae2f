// Medians and ratios of what bench/cold-worker.mjs measured, as Markdown.

export function median(list) {
  const sorted = [...list].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

const short = (value) => value.toFixed(value < 100 ? 1 : 0)

function collect(times) {
  const systems = []
  const cases = new Map()
  for (const [key, list] of Object.entries(times)) {
    const [name, system] = key.split('|')
    if (!systems.includes(system)) systems.push(system)
    if (!cases.has(name)) cases.set(name, { runs: list.length })
    const all = list.map(({ ms }) => ms)
    const cpu = list.reduce((total, one) => total + one.cpu, 0) / list.length
    cases.get(name)[system] = { median: median(all), least: Math.min(...all), cpu }
  }
  return { systems, cases }
}

/** Prints a table of cases against systems, and the stages of our own calls. */
export function printReport({ times, marks }, machine) {
  const { systems, cases } = collect(times)
  const lines = [`Medians in ms (least; mean processor time); ${machine}`, '']
  lines.push(`| Case | ${systems.join(' | ')} | runs | ours / go |`)
  lines.push(`|---|${systems.map(() => '---:|').join('')}---:|---:|`)
  for (const [name, row] of cases) {
    const cells = systems.map((s) =>
      row[s]
        ? `${short(row[s].median)} (${short(row[s].least)}; ${short(row[s].cpu)})`
        : '',
    )
    const ratio = row.ours && row.go ? (row.ours.median / row.go.median).toFixed(2) : '–'
    lines.push(`| ${name} | ${cells.join(' | ')} | ${row.runs} | ${ratio} |`)
  }
  for (const [name, stages] of Object.entries(marks)) {
    const parts = Object.entries(stages).map(
      ([stage, list]) => `${stage} ${median(list).toFixed(2)}`,
    )
    lines.push(
      '',
      `${name}, ms until each stage from the one before: ${parts.join(', ')}`,
    )
  }
  process.stdout.write(`${lines.join('\n')}\n`)
}
