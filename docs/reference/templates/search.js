// Looks through the index; knows nothing of the page.
"use strict";

const KIND_RANK = { "event type": 30, "code list": 20, "record": 20, "field": 12, "rule": 8, "code": 4 };

let entries = null;

/** Return every entry of the index with the address that it leads to. */
function unpack() {
  const found = [];
  for (const [page, kind, text] of SEARCH_INDEX) {
    for (const line of text.split("\n")) {
      const [anchor, name, said = "", others = ""] = line.split("\t");
      const href = anchor ? `${page}.html#${anchor === "=" ? name : anchor}` : `${page}.html`;
      const folded = name.toLowerCase();
      found.push({ page, kind, name, said, href, folded, text: `${folded} ${said} ${others}`.toLowerCase() });
    }
  }
  return found;
}

/** Rate how well an entry fits one word of the query; 0 is: not at all. */
function fit(entry, word) {
  if (entry.folded === word) return 100;
  if (entry.folded.startsWith(word)) return 60;
  const last = entry.folded.slice(entry.folded.lastIndexOf(".") + 1);
  if (last === word) return 90;
  if (last.startsWith(word)) return 50;
  if (entry.folded.includes(word)) return 35;
  const at = entry.text.indexOf(word);
  if (at < 0) return 0;
  if (!isBoundary(entry.text, at - 1)) return 6;
  return isBoundary(entry.text, at + word.length) ? 28 : 20;
}

/** Whether there is no letter and no digit at *index*. */
function isBoundary(text, index) {
  return !/[\p{L}\d]/u.test(text[index] ?? "");
}

/** Return the entries that fit every word of the query, the best first. */
function search(query) {
  entries ??= unpack();
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const rated = [];
  for (const entry of entries) {
    let total = 0;
    for (const word of words) {
      const one = fit(entry, word);
      if (!one) { total = 0; break; }
      total += one;
    }
    if (total) rated.push([total + KIND_RANK[entry.kind] - entry.name.length / 100, entry]);
  }
  return rated.sort((a, b) => b[0] - a[0]).map(([, entry]) => entry);
}
