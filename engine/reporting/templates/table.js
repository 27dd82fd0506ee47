// Rows out of columns: see report_columns.py for their forms.

function makeTable(payload) {
  const columns = payload.columns;
  const starts = {};
  for (const [name, column] of Object.entries(columns)) {
    if (!column.lengths) continue;
    const offsets = new Uint32Array(column.lengths.length + 1);
    column.lengths.forEach((length, row) => { offsets[row + 1] = offsets[row] + length; });
    starts[name] = offsets;
  }
  function get(name, row) {
    const column = columns[name];
    if (column.names) {
      const code = column.codes[row];
      return code < 0 ? null : column.names[code];
    }
    if (column.lengths) return column.values.slice(starts[name][row], starts[name][row + 1]);
    return column.values[row];
  }
  return {
    rows: payload.rows,
    get,
    start: (name, row) => starts[name][row],
    // What occurs in a column, with how often, most frequent first.
    tally(name) {
      const counts = new Map();
      for (let row = 0; row < payload.rows; row++) {
        const value = get(name, row);
        counts.set(value, (counts.get(value) || 0) + 1);
      }
      return counts;
    },
  };
}
