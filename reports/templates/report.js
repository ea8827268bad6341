(function () {
  "use strict";
  var NONE = -1, WAIVABLE = 500, TALLEST = 12e6, NEAR = 12, STATUSES = ["open", "waived", "report-only"], EVIDENCE = ["evidence0", "evidence1", "evidence2", "evidence3"];
  var KEYS = ["q", "severity", "status", "change", "policy", "product", "department", "tenant", "sort", "group"];
  var doc = document, root = doc.documentElement, main = doc.querySelector("main");
  var all = doc.getElementById("all"), source = doc.getElementById("columns");
  var figures = new Intl.NumberFormat(root.lang), collator = new Intl.Collator(root.lang, { numeric: true });
  var data, bytes, base = 0, total = 0, marks = null, items = [], groups = null, active = 0, high = 60;
  var columns = {}, lines = {}, state = {}, folded = {}, ranked = {}, shut = null, shown = NONE, pane, table, body, one, sheet;

  /* What was written by auditor/render/html/embedded_data.py: numbers are read where they lie, texts when they are first needed. */
  function column(name) {
    if (!columns[name]) {
      var at = data.columns[name], of = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[at[2]];
      columns[name] = new of(bytes.buffer, base + at[0], at[1]);
    }
    return columns[name];
  }
  function texts(name) {
    if (!lines[name]) {
      var at = data.texts[name], from = base + at[0];
      lines[name] = new TextDecoder().decode(bytes.subarray(from, from + at[1])).split("\n");
    }
    return lines[name];
  }
  function textOf(name, i) { return texts(name)[column(name)[i]]; }
  function nameOf(i) { return texts("name")[column("name")[column("who")[i]]]; }
  function addressOf(i) { return texts("address")[column("address")[column("who")[i]]]; }
  function evidence(i) { return EVIDENCE.map(function (name) { return textOf(name, i); }).filter(Boolean).join(" \u00b7 "); }
  function decode(text) {
    return Uint8Array.fromBase64 ? Uint8Array.fromBase64(text)
      : Uint8Array.from(atob(text), function (sign) { return sign.charCodeAt(0); });
  }
  /* Three fingerprints of sixteen bytes are 64 characters: one is read without the others. */
  function mark(i) {
    if (data.marks) { return data.marks[i]; }
    var text = marks || (marks = doc.getElementById("marks").textContent), from = Math.floor(i / 3) * 64, part = (i % 3) * 16;
    return Array.from(decode(text.slice(from, from + 64)).subarray(part, part + 16), function (each) {
      return (each < 16 ? "0" : "") + each.toString(16);
    }).join("");
  }

  function make(tag, kind, text) {
    var element = doc.createElement(tag);
    if (kind) { element.className = kind; }
    if (text !== undefined) { element.textContent = text; }
    return element;
  }
  function put(into) {
    for (var i = 1; i < arguments.length; i += 1) { if (arguments[i]) { into.append(arguments[i]); } }
    return into;
  }

  /* The address: #f-<fingerprint>?<filter>, #find?<filter>, or any other anchor of the page. */
  function parts() {
    var hash = location.hash.slice(1), cut = hash.indexOf("?");
    return cut < 0 ? { anchor: hash, query: null } : { anchor: hash.slice(0, cut), query: hash.slice(cut + 1) };
  }
  function query() {
    var params = new URLSearchParams();
    KEYS.forEach(function (key) { if (state[key]) { params.set(key, state[key]); } });
    return params.toString();
  }
  function address(anchor) {
    var filter = query();
    return "#" + anchor + (filter ? "?" + filter : "");
  }
  function restore(text) {
    var params = new URLSearchParams(text || "");
    KEYS.forEach(function (key) { state[key] = params.get(key) || ""; });
    all.querySelectorAll("[data-key]").forEach(function (field) {
      field.value = state[field.dataset.key];
      if (field.value !== state[field.dataset.key]) { state[field.dataset.key] = field.value = ""; }
    });
  }

  /* Texts without case and marks, so that "ozturk" finds "Öztürk". */
  function fold(text) {
    var low = text.toLowerCase();
    return /^[\x00-\x7f]*$/.test(low) ? low : low.normalize("NFKD").replace(/\p{M}/gu, "").replace(/ı/g, "i");
  }
  function textMask(name, word) {
    var values = folded[name] = folded[name] || texts(name).map(fold), hit = new Uint8Array(values.length), some = false;
    for (var i = 0; i < values.length; i += 1) { if (values[i].indexOf(word) >= 0) { hit[i] = 1; some = true; } }
    return some ? hit : null;
  }
  /* Of each row: whether a text of any column holds the word. */
  function searchMask(word) {
    var mask = new Uint8Array(total), who = column("who"), people = new Uint8Array(column("name").length), some = false;
    function spread(hit, codes, into) {
      if (!hit) { return false; }
      for (var i = 0; i < codes.length; i += 1) { into[i] |= hit[codes[i]]; }
      return true;
    }
    some = spread(textMask("name", word), column("name"), people);
    some = spread(textMask("address", word), column("address"), people) || some;
    if (some) { spread(people, who, mask); }
    ["what", "waiver"].concat(EVIDENCE).forEach(function (name) { spread(textMask(name, word), column(name), mask); });
    var policies = data.policies.map(function (at) { return fold(at.join(" ")).indexOf(word) >= 0 ? 1 : 0; });
    spread(data.places.map(function (at) { return policies[at[1]]; }), column("place"), mask);
    return mask;
  }
  /* The rows that agree with the filter, one byte each. */
  function filterMask() {
    var mask = new Uint8Array(total).fill(1);
    function only(codes, allowed) {
      for (var i = 0; i < total; i += 1) { mask[i] &= allowed[codes[i]]; }
    }
    function chosen(key, codes, of, count) {
      if (!state[key]) { return; }
      var allowed = new Uint8Array(count);
      for (var at = 0; at < count; at += 1) { allowed[at] = of(at) === state[key] ? 1 : 0; }
      only(codes, allowed);
    }
    fold(state.q).split(/\s+/).filter(Boolean).forEach(function (word) {
      var hits = searchMask(word);
      for (var i = 0; i < total; i += 1) { mask[i] &= hits[i]; }
    });
    chosen("severity", column("severity"), function (at) { return data.severities[at][0]; }, data.severities.length);
    chosen("status", column("status"), function (at) { return STATUSES[at]; }, STATUSES.length);
    chosen("change", column("change"), function (at) { return data.changes[at][0]; }, data.changes.length);
    chosen("policy", column("place"), function (at) { return data.policies[data.places[at][1]][0]; }, data.places.length);
    chosen("tenant", column("place"), function (at) { return data.tenants[data.places[at][0]][1]; }, data.places.length);
    ["product", "department"].forEach(function (key) {
      chosen(key, column(key), function (at) { return texts(key)[at]; }, texts(key).length);
    });
    return mask;
  }
  function ranks(name, values) {
    if (ranked[name]) { return ranked[name]; }
    var order = Uint32Array.from(values, function (_, i) { return i; }), place = ranked[name] = new Uint32Array(values.length);
    var keys = values.length > 40000 ? values.map(fold) : null;
    order.sort(keys ? function (a, b) { return keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b; }
      : function (a, b) { return collator.compare(values[a], values[b]) || a - b; });
    for (var i = 0, rank = 0; i < order.length; i += 1) {
      if (i && values[order[i]] !== values[order[i - 1]]) { rank += 1; }
      place[order[i]] = rank;
    }
    return place;
  }
  /* Of each row: its place in the order that was asked for, from 0. */
  function ordering() {
    var key = state.sort.replace("-", ""), of = new Uint32Array(total), i;
    function by(rank, codes) { for (i = 0; i < total; i += 1) { of[i] = rank[codes[i]]; } }
    if (key === "who") {
      var rank = ranks("name", texts("name")), names = column("name");
      by(Uint32Array.from(names, function (at) { return rank[at]; }), column("who"));
    } else if (key === "finding") { by(ranks("what", texts("what")), column("what"));
    } else if (key === "month") {
      var worth = new Float64Array(bytes.slice(base + data.worth[0], base + data.worth[0] + data.worth[1]).buffer);
      var places = Uint32Array.from(worth, function (_, at) { return at; }).sort(function (a, b) { return worth[a] - worth[b]; });
      var dear = new Uint32Array(worth.length), step = 0, none = texts("money");
      places.forEach(function (at, place) { step += place && worth[at] > worth[places[place - 1]] ? 1 : 0; dear[at] = step + 1; });
      /* What has no price comes last in either order. */
      none.forEach(function (text, at) { if (!text) { dear[at] = state.sort[0] === "-" ? 0 : step + 2; } });
      by(dear, column("money"));
    } else {
      var severity = column("severity"), status = column("status");
      for (i = 0; i < total; i += 1) { of[i] = severity[i] + (status[i] ? 10 : 0); }
    }
    return of;
  }
  /* Counting sort: rows by a number of theirs, equal ones as they stand. */
  function sorted(rows, of, back) {
    var most = 0, i;
    for (i = 0; i < rows.length; i += 1) { if (of[rows[i]] > most) { most = of[rows[i]]; } }
    var starts = new Uint32Array(most + 2), result = new Uint32Array(rows.length);
    function at(row) { return back ? most - of[row] : of[row]; }
    for (i = 0; i < rows.length; i += 1) { starts[at(rows[i]) + 1] += 1; }
    for (i = 1; i < starts.length; i += 1) { starts[i] += starts[i - 1]; }
    for (i = 0; i < rows.length; i += 1) { result[starts[at(rows[i])]++] = rows[i]; }
    return result;
  }
  function chosen() {
    var mask = filterMask(), rows = new Uint32Array(total), count = 0, i;
    for (i = 0; i < total; i += 1) { if (mask[i]) { rows[count] = i; count += 1; } }
    return sorted(rows.subarray(0, count), ordering(), state.sort[0] === "-");
  }
  function grouping() {
    var places = column("place");
    function of(name) { return [texts(name), column(name)]; }
    function placed(part, titles) {
      return [titles.map(function (at) { return at[1]; }), Uint32Array.from(places, function (at) { return data.places[at][part]; })];
    }
    switch (state.group) {
      case "policy": return placed(1, data.policies);
      case "tenant": return placed(0, data.tenants);
      case "who": return [Array.from(column("name"), function (at) { return texts("name")[at]; }), column("who")];
      case "product": case "department": return of(state.group);
      default: return null;
    }
  }
  function groupRows(rows, by) {
    var grouped = sorted(rows, by[1], false), severity = column("severity"), result = [], mine = null, i, at = -1;
    for (i = 0; i < grouped.length; i += 1) {
      if (by[1][grouped[i]] !== at) {
        at = by[1][grouped[i]];
        result.push(mine = { title: by[0][at] || data.labels.none, from: i, to: i, worst: 9, open: false, first: grouped[i] });
      }
      mine.to = i + 1;
      mine.worst = Math.min(mine.worst, severity[grouped[i]]);
    }
    result.forEach(function (each) { each.rows = grouped.subarray(each.from, each.to); });
    if (state.sort) {
      var place = new Uint32Array(total);
      for (i = 0; i < rows.length; i += 1) { place[rows[i]] = i; }
      return result.sort(function (a, b) { return place[a.first] - place[b.first]; });
    }
    return result.sort(function (a, b) { return a.worst - b.worst || b.rows.length - a.rows.length; });
  }

  /* What the table shows: numbers of findings, and -1, -2, … for the heads of groups. */
  function arrange() {
    var rows = chosen(), by = grouping();
    groups = by ? groupRows(rows, by) : null;
    active = 0;
    spread(rows);
    doc.getElementById("nothing").hidden = rows.length > 0;
    pane.hidden = !rows.length;
    doc.getElementById("waive").hidden = data.redacted || !rows.length || rows.length > WAIVABLE;
    doc.getElementById("shown").textContent = data.labels.shown
      .replace("{shown}", figures.format(rows.length)).replace("{all}", figures.format(total));
    table.querySelectorAll("th[data-sort]").forEach(function (head) {
      var key = head.dataset.sort, down = state.sort === "-" + key;
      if (down || state.sort === key) { head.setAttribute("aria-sort", down ? "descending" : "ascending"); }
      else { head.removeAttribute("aria-sort"); }
    });
  }
  function spread(rows) {
    items = rows;
    if (groups) {
      var many = groups.length;
      groups.forEach(function (mine) { many += mine.open ? mine.rows.length : 0; });
      items = new Int32Array(many);
      many = 0;
      groups.forEach(function (mine, at) {
        items[many] = -1 - at;
        many += 1;
        if (mine.open) { items.set(mine.rows, many); many += mine.rows.length; }
      });
    }
    table.setAttribute("aria-rowcount", items.length + 1);
    draw(true);
  }

  function chips(i) {
    var list = make("span", "chips"), change = column("change")[i];
    if (change) { put(list, make("span", "chip new", data.changes[change][1])); }
    if (column("status")[i]) { put(list, make("span", "chip", (data.labels[STATUSES[column("status")[i]]] + " " + textOf("waiver", i)).trim())); }
    return list;
  }
  function level(at) { return make("span", "badge " + data.severities[at][0], data.severities[at][1]); }
  function line(i) {
    var row = make("tr", column("status")[i] ? "waived" : ""), link = make("a", "", nameOf(i)), name = make("th");
    var cells = [make("td"), make("td"), make("td", "n"), make("td")], place = data.places[column("place")[i]];
    name.scope = "row";
    link.href = address("f-" + mark(i));
    put(cells[0], level(column("severity")[i]));
    put(name, put(make("div", "clip"), link, " ", make("small", "", addressOf(i))));
    put(cells[1], put(make("div", "clip"), textOf("what", i), chips(i), make("small", "", data.policies[place[1]][1])));
    cells[2].textContent = textOf("money", i);
    put(cells[3], make("div", "clip", evidence(i)));
    return put(row, cells[0], name, cells[1], cells[2], cells[3]);
  }
  function head(at) {
    var mine = groups[at], cell = make("th"), button = make("button", "head"), row = make("tr", "by");
    cell.colSpan = 5;
    cell.scope = "rowgroup";
    button.type = "button";
    button.setAttribute("aria-expanded", mine.open);
    put(button, level(mine.worst), make("span", "name", mine.title),
      make("strong", "", figures.format(mine.rows.length)));
    button.addEventListener("click", function () { toggle(at, !mine.open); });
    return put(row, put(cell, button));
  }
  function toggle(at, open) {
    groups[at].open = open;
    spread(items);
    active = items.indexOf(-1 - at);
    draw(true);
    go(active);
  }
  function space(tall) {
    var row = make("tr", "space"), cell = make("td");
    row.setAttribute("aria-hidden", "true");
    cell.colSpan = 5;
    cell.style.height = tall + "px";
    return put(row, cell);
  }
  function window_() {
    var count = items.length, real = count * high, tall = Math.min(real, TALLEST), fits = Math.ceil(pane.clientHeight / high);
    var room = Math.max(tall - pane.clientHeight, 1), top = Math.min(pane.scrollTop, room);
    var first = tall < real ? Math.round(top / room * (count - fits)) : Math.floor(top / high);
    var above = tall < real ? top : first * high;
    var from = Math.max(0, first - NEAR);
    return { first: first, from: from, to: Math.min(count, first + fits + NEAR), tall: tall, above: Math.max(0, above - (first - from) * high), fits: fits };
  }
  var drawn = "";
  function draw(anew) {
    var at = window_(), key = at.from + ":" + at.to + ":" + at.above, within = body.contains(doc.activeElement), i, rows = [];
    if (!anew && key === drawn) { return; }
    drawn = key;
    var tab = active >= at.from && active < at.to ? active : at.from;
    for (i = at.from; i < at.to; i += 1) {
      var row = items[i] < 0 ? head(-1 - items[i]) : line(items[i]), inside = row.querySelector("a, button");
      row.setAttribute("aria-rowindex", i + 2);
      row.dataset.item = i;
      inside.tabIndex = i === tab ? 0 : -1;
      rows.push(row);
    }
    rows.unshift(space(at.above));
    rows.push(space(Math.max(0, at.tall - at.above - (at.to - at.from) * high)));
    body.replaceChildren.apply(body, rows);
    if (within) { focus(active); }
  }
  function focus(item) {
    var row = body.querySelector('tr[data-item="' + item + '"]');
    (row ? row.querySelector("a, button") : pane).focus({ preventScroll: true });
  }
  function go(item) {
    var at = window_(), count = items.length;
    active = Math.max(0, Math.min(count - 1, item));
    if (active < at.first + 1 || active > at.first + at.fits - 2) {
      var to = Math.max(0, active - Math.floor(at.fits / 2));
      pane.scrollTop = at.tall < count * high ? to / Math.max(count - at.fits, 1) * (at.tall - pane.clientHeight) : to * high;
    }
    draw(true);
    focus(active);
  }
  function keyed(event) {
    var at = window_(), step = { ArrowDown: 1, ArrowUp: -1, PageDown: at.fits - 2, PageUp: 2 - at.fits }[event.key];
    if (event.target.closest("thead") || event.altKey || event.metaKey) { return; }
    if (step) { go(active + step); }
    else if (event.key === "Home") { go(0); }
    else if (event.key === "End") { go(items.length - 1); }
    else if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && items[active] < 0) {
      toggle(-1 - items[active], event.key === "ArrowRight");
    } else { return; }
    event.preventDefault();
  }

  /* One finding, whatever the filter. */
  function entry(list, label, value) {
    if (value) { put(list, put(make("div"), make("dt", "", label), put(make("dd"), value))); }
  }
  function linked(anchor, text) {
    var link = make("a", "", text.replace(/\*\*|`/g, ""));
    link.href = "#" + anchor;
    return link;
  }
  function show(i) {
    var labels = data.labels, place = data.places[column("place")[i]], list = make("dl"), act = column("action")[i];
    one.querySelector("h2").textContent = nameOf(i);
    one.querySelector("p").textContent = addressOf(i);
    entry(list, labels.finding, textOf("what", i));
    entry(list, labels.severity, level(column("severity")[i]));
    entry(list, labels.status, labels[STATUSES[column("status")[i]]]);
    entry(list, labels.waiver, textOf("waiver", i));
    entry(list, labels.change, data.changes[column("change")[i]][1]);
    entry(list, labels.policy, linked(place[2], data.policies[place[1]][1]));
    if (data.tenants.length > 1) { entry(list, labels.tenant, data.tenants[place[0]][1]); }
    entry(list, labels.department, textOf("department", i));
    entry(list, labels.evidence, evidence(i));
    entry(list, labels.month, textOf("money", i));
    if (act) { entry(list, labels.act, linked(data.actions[act][0], data.actions[act][1])); }
    one.querySelector("dl").replaceWith(list);
    one.querySelector(".waive").hidden = data.redacted || column("status")[i] > 0;
    shown = i;
    if (!one.open) { shut = doc.activeElement; one.showModal(); }
  }

  /* The text that `auditor waive` writes, for open findings; validation refuses its empty parts. */
  function quoted(text) {
    if (/^[A-Za-z_][\w@./+-]*( [\w@./+-]+)*$/.test(text) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(text)) { return text; }
    return JSON.stringify(text).replace(/[\x7f-\x9f\xad\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/g, function (sign) {
      return "\\u" + sign.charCodeAt(0).toString(16).padStart(4, "0");
    });
  }
  function waivers(rows) {
    var entries = new Map(), written = "waivers:\n";
    rows.forEach(function (i) {
      var who = column("who")[i], person = column("person")[who], by = data.people[person], at = column("place")[i];
      var key = [at, column("sku")[i], by].join(), value = person === 2 ? nameOf(i) : addressOf(i);
      if (column("status")[i]) { return; }
      if (!entries.has(key)) { entries.set(key, { first: i, place: data.places[at], by: by, values: new Set() }); }
      entries.get(key).values.add(quoted(value));
    });
    entries.forEach(function (each) {
      var values = Array.from(each.values), sku = textOf("sku", each.first), tenant = data.tenants[each.place[0]][0];
      written += "  - id: W-" + mark(each.first).slice(0, 8) + "\n    policies: [" + data.policies[each.place[1]][0] + "]\n"
        + (each.by ? "    users: {" + each.by + ": " + (values.length > 1 ? "[" + values.join(", ") + "]" : values[0]) + "}\n" : "")
        + (sku ? "    products: " + sku + "\n" : "") + (tenant ? "    tenants: [" + tenant + "]\n" : "")
        + '    reason: ""\n    owner: ' + (quoted(data.owners[each.place[1]] || "")) + '\n    expires: ""\n';
    });
    return entries.size ? written : "";
  }
  function offer(rows) {
    var text = sheet.querySelector("textarea");
    text.value = waivers(rows);
    if (!text.value) { return; }
    sheet.showModal();
    text.select();
  }
  function copy() {
    var text = sheet.querySelector("textarea");
    text.select();
    if (navigator.clipboard) { navigator.clipboard.writeText(text.value).catch(function () { doc.execCommand("copy"); }); }
    else { doc.execCommand("copy"); }
  }
  function selection() { return groups ? Array.prototype.concat.apply([], groups.map(function (each) { return Array.from(each.rows); })) : Array.from(items); }
  function indexOfAnchor(anchor) {
    var wanted = anchor.slice(2), i, k, at;
    if (!data || anchor.slice(0, 2) !== "f-") { return NONE; }
    if (data.marks) { return data.marks.indexOf(wanted); }
    if (!/^[0-9a-f]{32}$/.test(wanted)) { return NONE; }
    var every = decode(doc.getElementById("marks").textContent);
    var mine = Uint8Array.from(wanted.match(/../g), function (pair) { return parseInt(pair, 16); });
    for (i = 0, at = 0; i < total; i += 1, at += 16) {
      for (k = 0; k < 16 && every[at + k] === mine[k]; k += 1) { /* as far as they agree */ }
      if (k === 16) { return i; }
    }
    return NONE;
  }

  function reveal(clicked) {
    var at = parts(), stay = clicked !== undefined, i, target, up, closing = one && one.open;
    if (data && at.query !== null && at.query !== query()) { restore(at.query); arrange(); }
    i = stay ? clicked : indexOfAnchor(at.anchor);
    if (i !== NONE) {
      /* Whoever came by an address stands at the table when the finding is closed; whoever clicked, where they were. */
      var item = items.indexOf(i);
      if (item >= 0 && !groups && !stay) { go(item); }
      if (!stay) { all.scrollIntoView({ block: "start", behavior: "instant" }); }
      show(i);
      return;
    }
    if (closing) { one.close(); }
    target = at.anchor && doc.getElementById(at.anchor === "find" ? "all" : at.anchor);
    for (up = target; up; up = up.parentElement) { if (up.tagName === "DETAILS") { up.open = true; } }
    if (target && !(closing && at.anchor === "find")) {
      /* A row or an action stands in the middle of the screen; a heading, or what is larger, begins at its top. */
      target.scrollIntoView({ block: /^(TR|LI|DETAILS)$/.test(target.tagName) && target.offsetHeight < innerHeight ? "center" : "start" });
    }
  }
  function options(key, pairs) {
    var field = all.querySelector('[data-key="' + key + '"]');
    pairs.forEach(function (pair) {
      var choice = make("option", "", pair[1]);
      choice.value = pair[0];
      put(field, choice);
    });
    if (pairs.length < 2) { field.closest("label").hidden = true; }
  }
  function same(text) { return [text, text]; }
  function alphabetic(name) { return texts(name).slice(1).sort(collator.compare).map(same); }
  function changed() {
    history.replaceState(null, "", address("find"));
    arrange();
  }
  function measure() {
    var row = items.length && body.querySelector("tr[data-item]");
    if (row && row.offsetHeight && row.offsetHeight !== high) { high = row.offsetHeight; draw(true); }
  }
  function ready(told_) {
    var waiting, length = new DataView(told_.buffer).getUint32(0, true), levels = [0, 0, 0, 0, 0], i;
    bytes = told_;
    base = 4 + length;
    data = JSON.parse(new TextDecoder().decode(bytes.subarray(4, base)));
    total = data.count;
    for (i = 0; i < total; i += 1) { levels[column("severity")[i]] += 1; }
    pane = doc.getElementById("pane");
    table = pane.querySelector("table");
    body = table.tBodies[0];
    one = doc.getElementById("one");
    sheet = doc.getElementById("waiver");
    options("severity", data.severities.filter(function (_, at) { return levels[at]; }));
    options("status", column("status").some(Boolean) ? STATUSES.filter(function (_, at) { return column("status").indexOf(at) >= 0; }).map(function (key) { return [key, data.labels[key]]; }) : []);
    options("change", column("change").some(Boolean) ? data.changes.slice(1) : []);
    options("policy", data.policies.slice().sort(function (a, b) { return collator.compare(a[1], b[1]); }));
    options("product", alphabetic("product"));
    options("department", alphabetic("department"));
    options("tenant", data.tenants.map(function (at) { return same(at[1]); }));
    if (data.tenants.length < 2) { all.querySelector('option[value="tenant"]').remove(); }
    all.hidden = false;
    restore(parts().query);
    arrange();
    measure();
    all.querySelectorAll("[data-key]").forEach(function (field) {
      field.addEventListener("input", function () {
        state[field.dataset.key] = field.value;
        clearTimeout(waiting);
        waiting = setTimeout(changed, field.type === "search" ? 150 : 0);
      });
    });
    doc.getElementById("clear").addEventListener("click", function () { restore(""); changed(); });
    table.tHead.addEventListener("click", function (event) {
      var cell = event.target.closest("th[data-sort]"), key = cell && cell.dataset.sort;
      if (!key) { return; }
      /* Money begins with the most, everything else with the first; the third click takes the order away. */
      var first = (cell.dataset.first || "") + key, second = first[0] === "-" ? key : "-" + key;
      state.sort = state.sort === first ? second : state.sort === second ? "" : first;
      pane.scrollTop = 0;
      changed();
    });
    pane.addEventListener("scroll", function () { requestAnimationFrame(function () { draw(false); }); }, { passive: true });
    pane.addEventListener("keydown", keyed);
    body.addEventListener("focusin", function (event) {
      var row = event.target.closest("tr[data-item]");
      if (row) { active = Number(row.dataset.item); }
    });
    window.addEventListener("resize", function () { measure(); draw(true); });
    one.addEventListener("close", function () {
      // A link to another finding may have been followed since. Its dialog is open already, or its address stands there.
      if (one.open) { return; }
      if (shown !== NONE && indexOfAnchor(parts().anchor) === shown) { history.replaceState(null, "", address("find")); }
      if (shut && shut.isConnected) { shut.focus({ preventScroll: true }); } else { focus(active); }
    });
    one.querySelector("button").addEventListener("click", function () { one.close(); });
    one.querySelector(".waive").addEventListener("click", function () { offer([shown]); });
    doc.getElementById("waive").addEventListener("click", function () { offer(selection()); });
    sheet.querySelector("button").addEventListener("click", function () { sheet.close(); });
    sheet.querySelector(".copy").addEventListener("click", copy);
    main.querySelectorAll("[data-more]").forEach(function (note) {
      var link = make("a", "", data.labels.every);
      link.href = "#find?policy=" + encodeURIComponent(note.dataset.more);
      put(note, " · ", link);
    });
    main.parentNode.querySelector(".skip").href = "#all-h";
    doc.querySelectorAll(".scripted").forEach(function (each) { each.hidden = false; });
    reveal();
    performance.mark("findings");
  }
  function unpack() {
    var read = decode(source.textContent);
    if (source.type !== "application/gzip") { return Promise.resolve(read); }
    return new Response(new Blob([read]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer()
      .then(function (whole) { return new Uint8Array(whole); });
  }
  /* A link to a finding opens it where the reader is: the page behind does not move. */
  doc.addEventListener("click", function (event) {
    var link = event.target.closest('a[href^="#f-"]');
    if (!link || !data || event.ctrlKey || event.metaKey || event.shiftKey || event.button) { return; }
    var i = indexOfAnchor(link.hash.slice(1).split("?")[0]);
    if (i === NONE) { return; }
    event.preventDefault();
    if (location.hash !== link.hash) { history.pushState(null, "", link.hash); }
    reveal(i);
  });
  var contents = doc.querySelector(".contents details"), wide = matchMedia("(min-width: 104rem)");
  function unfold() { contents.open = wide.matches; }
  wide.addEventListener("change", unfold);
  unfold();
  contents.addEventListener("click", function (event) { if (event.target.closest("a") && !wide.matches) { contents.open = false; } });
  contents.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && !wide.matches) { contents.open = false; contents.querySelector("summary").focus(); }
  });
  doc.addEventListener("click", function (event) { if (!wide.matches && !contents.contains(event.target)) { contents.open = false; } });
  window.addEventListener("hashchange", function () { reveal(); });
  /* Paper has what is open: the buttons open all for whoever prints all, and #open-all for what makes a PDF of an address. */
  function openAll(open) { main.querySelectorAll("details").forEach(function (each) { each.open = open; }); }
  doc.querySelector(".folds").hidden = false;
  [["open-all", true], ["close-all", false]].forEach(function (each) {
    doc.getElementById(each[0]).addEventListener("click", function () { openAll(each[1]); });
  });
  if (location.hash === "#open-all") { openAll(true); }
  if (source && all) { unpack().then(ready); }
  reveal();
})();
