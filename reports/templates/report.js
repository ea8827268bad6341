(function () {
  "use strict";
  var NONE = -1, WAIVABLE = 500, TALLEST = 12e6, NEAR = 12, STATUSES = ["open", "waived", "report-only"], EVIDENCE = ["evidence0", "evidence1", "evidence2", "evidence3"];
  var KEYS = ["q", "severity", "status", "change", "policy", "product", "department", "tenant", "sort", "group"];
  var doc = document, root = doc.documentElement, main = doc.querySelector("main");
  var findingsSection = doc.getElementById("all"), source = doc.getElementById("columns");
  var numberFormat = new Intl.NumberFormat(root.lang), collator = new Intl.Collator(root.lang, { numeric: true });
  var data, bytes, base = 0, total = 0, fingerprints = null, items = [], groups = null, active = 0, rowHeight = 60;
  var columns = {}, textLists = {}, state = {}, foldedTexts = {}, rankCache = {}, lastFocus = null, openFinding = NONE, pane, table, body, dialog, waiverDialog;

  /* Decodes the data of auditor/render/html/embedded_data.py: numbers are views of the buffer, texts are decoded on first use. */
  function column(name) {
    if (!columns[name]) {
      var entry = data.columns[name], Type = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[entry[2]];
      columns[name] = new Type(bytes.buffer, base + entry[0], entry[1]);
    }
    return columns[name];
  }
  function texts(name) {
    if (!textLists[name]) {
      var entry = data.texts[name], from = base + entry[0];
      textLists[name] = new TextDecoder().decode(bytes.subarray(from, from + entry[1])).split("\n");
    }
    return textLists[name];
  }
  function textOf(name, i) { return texts(name)[column(name)[i]]; }
  function nameOf(i) { return texts("name")[column("name")[column("who")[i]]]; }
  function addressOf(i) { return texts("address")[column("address")[column("who")[i]]]; }
  function evidence(i) { return EVIDENCE.map(function (name) { return textOf(name, i); }).filter(Boolean).join(" \u00b7 "); }
  function decode(text) {
    return Uint8Array.fromBase64 ? Uint8Array.fromBase64(text)
      : Uint8Array.from(atob(text), function (character) { return character.charCodeAt(0); });
  }
  /* Three fingerprints of 16 bytes are 64 base64 characters, so that a single one can be decoded without the others. */
  function fingerprint(i) {
    if (data.marks) { return data.marks[i]; }
    var text = fingerprints || (fingerprints = doc.getElementById("marks").textContent), from = Math.floor(i / 3) * 64, offset = (i % 3) * 16;
    return Array.from(decode(text.slice(from, from + 64)).subarray(offset, offset + 16), function (byte) {
      return (byte < 16 ? "0" : "") + byte.toString(16);
    }).join("");
  }

  function make(tag, kind, text) {
    var element = doc.createElement(tag);
    if (kind) { element.className = kind; }
    if (text !== undefined) { element.textContent = text; }
    return element;
  }
  function append(parent) {
    for (var i = 1; i < arguments.length; i += 1) { if (arguments[i]) { parent.append(arguments[i]); } }
    return parent;
  }

  /* The fragment of the URL: #f-<fingerprint>?<filter>, #find?<filter>, or any other anchor of the page. */
  function locationParts() {
    var hash = location.hash.slice(1), split = hash.indexOf("?");
    return split < 0 ? { anchor: hash, query: null } : { anchor: hash.slice(0, split), query: hash.slice(split + 1) };
  }
  function query() {
    var params = new URLSearchParams();
    KEYS.forEach(function (key) { if (state[key]) { params.set(key, state[key]); } });
    return params.toString();
  }
  function hrefOf(anchor) {
    var filter = query();
    return "#" + anchor + (filter ? "?" + filter : "");
  }
  function restore(text) {
    var params = new URLSearchParams(text || "");
    KEYS.forEach(function (key) { state[key] = params.get(key) || ""; });
    findingsSection.querySelectorAll("[data-key]").forEach(function (field) {
      field.value = state[field.dataset.key];
      if (field.value !== state[field.dataset.key]) { state[field.dataset.key] = field.value = ""; }
    });
  }

  /* Case and diacritics are folded, so that "ozturk" finds "Öztürk". */
  function fold(text) {
    var lower = text.toLowerCase();
    return /^[\x00-\x7f]*$/.test(lower) ? lower : lower.normalize("NFKD").replace(/\p{M}/gu, "").replace(/ı/g, "i");
  }
  function textMask(name, word) {
    var values = foldedTexts[name] = foldedTexts[name] || texts(name).map(fold), matches = new Uint8Array(values.length), any = false;
    for (var i = 0; i < values.length; i += 1) { if (values[i].indexOf(word) >= 0) { matches[i] = 1; any = true; } }
    return any ? matches : null;
  }
  /* One byte per row: 1 if a text of any column contains the word. */
  function searchMask(word) {
    var mask = new Uint8Array(total), who = column("who"), people = new Uint8Array(column("name").length), any = false;
    function addMatches(matches, codes, target) {
      if (!matches) { return false; }
      for (var i = 0; i < codes.length; i += 1) { target[i] |= matches[codes[i]]; }
      return true;
    }
    any = addMatches(textMask("name", word), column("name"), people);
    any = addMatches(textMask("address", word), column("address"), people) || any;
    if (any) { addMatches(people, who, mask); }
    ["what", "waiver"].concat(EVIDENCE).forEach(function (name) { addMatches(textMask(name, word), column(name), mask); });
    var policies = data.policies.map(function (entry) { return fold(entry.join(" ")).indexOf(word) >= 0 ? 1 : 0; });
    addMatches(data.places.map(function (entry) { return policies[entry[1]]; }), column("place"), mask);
    return mask;
  }
  /* One byte per row: 1 if the row matches the filter. */
  function filterMask() {
    var mask = new Uint8Array(total).fill(1);
    function restrict(codes, allowed) {
      for (var i = 0; i < total; i += 1) { mask[i] &= allowed[codes[i]]; }
    }
    function filterBy(key, codes, valueOf, count) {
      if (!state[key]) { return; }
      var allowed = new Uint8Array(count);
      for (var code = 0; code < count; code += 1) { allowed[code] = valueOf(code) === state[key] ? 1 : 0; }
      restrict(codes, allowed);
    }
    fold(state.q).split(/\s+/).filter(Boolean).forEach(function (word) {
      var matches = searchMask(word);
      for (var i = 0; i < total; i += 1) { mask[i] &= matches[i]; }
    });
    filterBy("severity", column("severity"), function (code) { return data.severities[code][0]; }, data.severities.length);
    filterBy("status", column("status"), function (code) { return STATUSES[code]; }, STATUSES.length);
    filterBy("change", column("change"), function (code) { return data.changes[code][0]; }, data.changes.length);
    filterBy("policy", column("place"), function (code) { return data.policies[data.places[code][1]][0]; }, data.places.length);
    filterBy("tenant", column("place"), function (code) { return data.tenants[data.places[code][0]][1]; }, data.places.length);
    ["product", "department"].forEach(function (key) {
      filterBy(key, column(key), function (code) { return texts(key)[code]; }, texts(key).length);
    });
    return mask;
  }
  function ranks(name, values) {
    if (rankCache[name]) { return rankCache[name]; }
    var order = Uint32Array.from(values, function (_, i) { return i; }), rankOf = rankCache[name] = new Uint32Array(values.length);
    var keys = values.length > 40000 ? values.map(fold) : null;
    order.sort(keys ? function (a, b) { return keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b; }
      : function (a, b) { return collator.compare(values[a], values[b]) || a - b; });
    for (var i = 0, rank = 0; i < order.length; i += 1) {
      if (i && values[order[i]] !== values[order[i - 1]]) { rank += 1; }
      rankOf[order[i]] = rank;
    }
    return rankOf;
  }
  /* The sort key of each row for the selected order, from 0. */
  function rowOrder() {
    var key = state.sort.replace("-", ""), order = new Uint32Array(total), i;
    function orderBy(rank, codes) { for (i = 0; i < total; i += 1) { order[i] = rank[codes[i]]; } }
    if (key === "who") {
      var rank = ranks("name", texts("name")), names = column("name");
      orderBy(Uint32Array.from(names, function (at) { return rank[at]; }), column("who"));
    } else if (key === "finding") { orderBy(ranks("what", texts("what")), column("what"));
    } else if (key === "month") {
      var amounts = new Float64Array(bytes.slice(base + data.worth[0], base + data.worth[0] + data.worth[1]).buffer);
      var places = Uint32Array.from(amounts, function (_, at) { return at; }).sort(function (a, b) { return amounts[a] - amounts[b]; });
      var rankOf = new Uint32Array(amounts.length), step = 0, none = texts("money");
      places.forEach(function (at, place) { step += place && amounts[at] > amounts[places[place - 1]] ? 1 : 0; rankOf[at] = step + 1; });
      /* Rows without a price are last in both orders. */
      none.forEach(function (text, at) { if (!text) { rankOf[at] = state.sort[0] === "-" ? 0 : step + 2; } });
      orderBy(rankOf, column("money"));
    } else {
      var severity = column("severity"), status = column("status");
      for (i = 0; i < total; i += 1) { order[i] = severity[i] + (status[i] ? 10 : 0); }
    }
    return order;
  }
  /* Stable counting sort of rows by `keys`. */
  function countingSort(rows, keys, descending) {
    var largest = 0, i;
    for (i = 0; i < rows.length; i += 1) { if (keys[rows[i]] > largest) { largest = keys[rows[i]]; } }
    var starts = new Uint32Array(largest + 2), result = new Uint32Array(rows.length);
    function keyOf(row) { return descending ? largest - keys[row] : keys[row]; }
    for (i = 0; i < rows.length; i += 1) { starts[keyOf(rows[i]) + 1] += 1; }
    for (i = 1; i < starts.length; i += 1) { starts[i] += starts[i - 1]; }
    for (i = 0; i < rows.length; i += 1) { result[starts[keyOf(rows[i])]++] = rows[i]; }
    return result;
  }
  function filteredRows() {
    var mask = filterMask(), rows = new Uint32Array(total), count = 0, i;
    for (i = 0; i < total; i += 1) { if (mask[i]) { rows[count] = i; count += 1; } }
    return countingSort(rows.subarray(0, count), rowOrder(), state.sort[0] === "-");
  }
  function groupKeys() {
    var places = column("place");
    function byColumn(name) { return [texts(name), column(name)]; }
    function byPlace(part, titles) {
      return [titles.map(function (at) { return at[1]; }), Uint32Array.from(places, function (at) { return data.places[at][part]; })];
    }
    switch (state.group) {
      case "policy": return byPlace(1, data.policies);
      case "tenant": return byPlace(0, data.tenants);
      case "who": return [Array.from(column("name"), function (at) { return texts("name")[at]; }), column("who")];
      case "product": case "department": return byColumn(state.group);
      default: return null;
    }
  }
  function groupRows(rows, keys) {
    var ordered = countingSort(rows, keys[1], false), severity = column("severity"), result = [], group = null, i, key = -1;
    for (i = 0; i < ordered.length; i += 1) {
      if (keys[1][ordered[i]] !== key) {
        key = keys[1][ordered[i]];
        result.push(group = { title: keys[0][key] || data.labels.none, from: i, to: i, worst: 9, open: false, first: ordered[i] });
      }
      group.to = i + 1;
      group.worst = Math.min(group.worst, severity[ordered[i]]);
    }
    result.forEach(function (entry) { entry.rows = ordered.subarray(entry.from, entry.to); });
    if (state.sort) {
      var place = new Uint32Array(total);
      for (i = 0; i < rows.length; i += 1) { place[rows[i]] = i; }
      return result.sort(function (a, b) { return place[a.first] - place[b.first]; });
    }
    return result.sort(function (a, b) { return a.worst - b.worst || b.rows.length - a.rows.length; });
  }

  /* Sets the items of the table: indexes of findings, and -1, -2, … for group headings. */
  function arrange() {
    var rows = filteredRows(), keys = groupKeys();
    groups = keys ? groupRows(rows, keys) : null;
    active = 0;
    updateItems(rows);
    doc.getElementById("nothing").hidden = rows.length > 0;
    pane.hidden = !rows.length;
    doc.getElementById("waive").hidden = data.redacted || !rows.length || rows.length > WAIVABLE;
    doc.getElementById("shown").textContent = data.labels.shown
      .replace("{shown}", numberFormat.format(rows.length)).replace("{all}", numberFormat.format(total));
    table.querySelectorAll("th[data-sort]").forEach(function (head) {
      var name = head.dataset.sort, descending = state.sort === "-" + name;
      if (descending || state.sort === name) { head.setAttribute("aria-sort", descending ? "descending" : "ascending"); }
      else { head.removeAttribute("aria-sort"); }
    });
  }
  function updateItems(rows) {
    items = rows;
    if (groups) {
      var count = groups.length;
      groups.forEach(function (group) { count += group.open ? group.rows.length : 0; });
      items = new Int32Array(count);
      count = 0;
      groups.forEach(function (group, index) {
        items[count] = -1 - index;
        count += 1;
        if (group.open) { items.set(group.rows, count); count += group.rows.length; }
      });
    }
    table.setAttribute("aria-rowcount", items.length + 1);
    draw(true);
  }

  function chips(i) {
    var element = make("span", "chips"), change = column("change")[i];
    if (change) { append(element, make("span", "chip new", data.changes[change][1])); }
    if (column("status")[i]) { append(element, make("span", "chip", (data.labels[STATUSES[column("status")[i]]] + " " + textOf("waiver", i)).trim())); }
    return element;
  }
  function severityBadge(code) { return make("span", "badge " + data.severities[code][0], data.severities[code][1]); }
  function findingRow(i) {
    var row = make("tr", column("status")[i] ? "waived" : ""), link = make("a", "", nameOf(i)), name = make("th");
    var cells = [make("td"), make("td"), make("td", "n"), make("td", "evidence")], place = data.places[column("place")[i]];
    var tenant = data.tenants.length > 1 && data.tenants[place[0]][1];
    name.scope = "row";
    link.href = hrefOf("f-" + fingerprint(i));
    append(cells[0], severityBadge(column("severity")[i]), tenant && make("small", "lab", tenant));
    append(name, append(make("div", "clip"), link, " ", make("small", "", addressOf(i))));
    append(cells[1], append(make("div", "clip"), textOf("what", i), chips(i), make("small", "", data.policies[place[1]][1])));
    cells[2].textContent = textOf("money", i);
    append(cells[3], append(make("div", "clip"), tenant && make("strong", "", tenant), tenant && " \u00b7 ", evidence(i)));
    return append(row, cells[0], name, cells[1], table.querySelector('[data-sort="month"]') && cells[2], cells[3]);
  }
  function groupRow(index) {
    var group = groups[index], cell = make("th"), button = make("button", "head"), row = make("tr", "by");
    cell.colSpan = table.tHead.rows[0].cells.length;
    cell.scope = "rowgroup";
    button.type = "button";
    button.setAttribute("aria-expanded", group.open);
    append(button, severityBadge(group.worst), make("span", "name", group.title),
      make("strong", "", numberFormat.format(group.rows.length)));
    button.addEventListener("click", function () { toggle(index, !group.open); });
    return append(row, append(cell, button));
  }
  function toggle(index, open) {
    groups[index].open = open;
    updateItems(items);
    active = items.indexOf(-1 - index);
    draw(true);
    moveTo(active);
  }
  function spacerRow(tall) {
    var row = make("tr", "space"), cell = make("td");
    row.setAttribute("aria-hidden", "true");
    cell.colSpan = table.tHead.rows[0].cells.length;
    cell.style.height = tall + "px";
    return append(row, cell);
  }
  function visibleRange() {
    var count = items.length, real = count * rowHeight, tall = Math.min(real, TALLEST), fits = Math.ceil(pane.clientHeight / rowHeight);
    var room = Math.max(tall - pane.clientHeight, 1), top = Math.min(pane.scrollTop, room);
    var first = tall < real ? Math.round(top / room * (count - fits)) : Math.floor(top / rowHeight);
    var above = tall < real ? top : first * rowHeight;
    var from = Math.max(0, first - NEAR);
    return { first: first, from: from, to: Math.min(count, first + fits + NEAR), tall: tall, above: Math.max(0, above - (first - from) * rowHeight), fits: fits };
  }
  var drawnRange = "";
  function draw(force) {
    var range = visibleRange(), key = range.from + ":" + range.to + ":" + range.above, within = body.contains(doc.activeElement), i, rows = [];
    if (!force && key === drawnRange) { return; }
    drawnRange = key;
    var tab = active >= range.from && active < range.to ? active : range.from;
    for (i = range.from; i < range.to; i += 1) {
      var row = items[i] < 0 ? groupRow(-1 - items[i]) : findingRow(items[i]), control = row.querySelector("a, button");
      row.setAttribute("aria-rowindex", i + 2);
      row.dataset.item = i;
      control.tabIndex = i === tab ? 0 : -1;
      rows.push(row);
    }
    rows.unshift(spacerRow(range.above));
    rows.push(spacerRow(Math.max(0, range.tall - range.above - (range.to - range.from) * rowHeight)));
    body.replaceChildren.apply(body, rows);
    if (within) { focus(active); }
  }
  function focus(item) {
    var row = body.querySelector('tr[data-item="' + item + '"]');
    (row ? row.querySelector("a, button") : pane).focus({ preventScroll: true });
  }
  function moveTo(item) {
    var range = visibleRange(), count = items.length;
    active = Math.max(0, Math.min(count - 1, item));
    if (active < range.first + 1 || active > range.first + range.fits - 2) {
      var to = Math.max(0, active - Math.floor(range.fits / 2));
      pane.scrollTop = range.tall < count * rowHeight ? to / Math.max(count - range.fits, 1) * (range.tall - pane.clientHeight) : to * rowHeight;
    }
    draw(true);
    focus(active);
  }
  function onKeydown(event) {
    var range = visibleRange(), step = { ArrowDown: 1, ArrowUp: -1, PageDown: range.fits - 2, PageUp: 2 - range.fits }[event.key];
    if (event.target.closest("thead") || event.altKey || event.metaKey) { return; }
    if (step) { moveTo(active + step); }
    else if (event.key === "Home") { moveTo(0); }
    else if (event.key === "End") { moveTo(items.length - 1); }
    else if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && items[active] < 0) {
      toggle(-1 - items[active], event.key === "ArrowRight");
    } else { return; }
    event.preventDefault();
  }

  /* The dialog of one finding; it does not depend on the filter. */
  function addEntry(list, label, value) {
    if (value) { append(list, append(make("div"), make("dt", "", label), append(make("dd"), value))); }
  }
  function linkTo(page, anchor, text) {
    var link = make("a", "", text.replace(/\*\*|`/g, ""));
    link.href = page + "#" + anchor;
    return link;
  }
  function show(i) {
    var labels = data.labels, place = data.places[column("place")[i]], page = data.tenants[place[0]][2];
    var list = make("dl"), act = column("action")[i];
    dialog.querySelector("h2").textContent = nameOf(i);
    dialog.querySelector("p").textContent = addressOf(i);
    addEntry(list, labels.finding, textOf("what", i));
    addEntry(list, labels.severity, severityBadge(column("severity")[i]));
    addEntry(list, labels.status, labels[STATUSES[column("status")[i]]]);
    addEntry(list, labels.waiver, textOf("waiver", i));
    addEntry(list, labels.change, data.changes[column("change")[i]][1]);
    addEntry(list, labels.policy, linkTo(page, place[2], data.policies[place[1]][1]));
    if (data.tenants.length > 1) { addEntry(list, labels.tenant, data.tenants[place[0]][1]); }
    addEntry(list, labels.department, textOf("department", i));
    addEntry(list, labels.evidence, evidence(i));
    addEntry(list, labels.month, textOf("money", i));
    if (act) { addEntry(list, labels.act, linkTo(page, data.actions[act][0], data.actions[act][1])); }
    dialog.querySelector("dl").replaceWith(list);
    dialog.querySelector(".waive").hidden = data.redacted || column("status")[i] > 0;
    openFinding = i;
    if (!dialog.open) { lastFocus = doc.activeElement; dialog.showModal(); }
  }

  /* The YAML that `auditor waive` writes, for open findings; validation rejects it until the empty fields are filled in. */
  function yamlScalar(text) {
    if (/^[A-Za-z_][\w@./+-]*( [\w@./+-]+)*$/.test(text) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(text)) { return text; }
    return JSON.stringify(text).replace(/[\x7f-\x9f\xad\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/g, function (sign) {
      return "\\u" + sign.charCodeAt(0).toString(16).padStart(4, "0");
    });
  }
  function waiverYaml(rows) {
    var entries = new Map(), written = "waivers:\n";
    rows.forEach(function (i) {
      var who = column("who")[i], person = column("person")[who], property = data.people[person], place = column("place")[i];
      var key = [place, column("sku")[i], property].join(), value = person === 2 ? nameOf(i) : addressOf(i);
      if (column("status")[i]) { return; }
      if (!entries.has(key)) { entries.set(key, { first: i, place: data.places[place], by: property, values: new Set() }); }
      entries.get(key).values.add(yamlScalar(value));
    });
    entries.forEach(function (entry) {
      var values = Array.from(entry.values), sku = textOf("sku", entry.first), tenant = data.tenants[entry.place[0]][0];
      written += "  - id: W-" + fingerprint(entry.first).slice(0, 8) + "\n    policies: [" + data.policies[entry.place[1]][0] + "]\n"
        + (entry.by ? "    users: {" + entry.by + ": " + (values.length > 1 ? "[" + values.join(", ") + "]" : values[0]) + "}\n" : "")
        + (sku ? "    products: " + sku + "\n" : "") + (tenant ? "    tenants: [" + tenant + "]\n" : "")
        + '    reason: ""\n    owner: ' + (yamlScalar(data.owners[entry.place[1]] || "")) + '\n    expires: ""\n';
    });
    return entries.size ? written : "";
  }
  function showWaivers(rows) {
    var text = waiverDialog.querySelector("textarea");
    text.value = waiverYaml(rows);
    if (!text.value) { return; }
    waiverDialog.showModal();
    text.select();
  }
  function copy() {
    var text = waiverDialog.querySelector("textarea");
    text.select();
    if (navigator.clipboard) { navigator.clipboard.writeText(text.value).catch(function () { doc.execCommand("copy"); }); }
    else { doc.execCommand("copy"); }
  }
  function selection() { return groups ? Array.prototype.concat.apply([], groups.map(function (each) { return Array.from(each.rows); })) : Array.from(items); }
  function indexOfAnchor(anchor) {
    var digits = anchor.slice(2), i, k, offset;
    if (!data || anchor.slice(0, 2) !== "f-") { return NONE; }
    if (data.marks) { return data.marks.indexOf(digits); }
    if (!/^[0-9a-f]{32}$/.test(digits)) { return NONE; }
    var fingerprints = decode(doc.getElementById("marks").textContent);
    var wanted = Uint8Array.from(digits.match(/../g), function (pair) { return parseInt(pair, 16); });
    for (i = 0, offset = 0; i < total; i += 1, offset += 16) {
      for (k = 0; k < 16 && fingerprints[offset + k] === wanted[k]; k += 1) { /* as far as they agree */ }
      if (k === 16) { return i; }
    }
    return NONE;
  }

  function reveal(clicked) {
    var link = locationParts(), isClick = clicked !== undefined, i, target, ancestor, closing = dialog && dialog.open;
    if (data && link.query !== null && link.query !== query()) { restore(link.query); arrange(); }
    i = isClick ? clicked : indexOfAnchor(link.anchor);
    if (i !== NONE) {
      /* After closing the dialog, a reader who followed a URL sees the table; one who clicked a link is where they were. */
      var item = items.indexOf(i);
      if (item >= 0 && !groups && !isClick) { moveTo(item); }
      if (!isClick) { findingsSection.scrollIntoView({ block: "start", behavior: "instant" }); }
      show(i);
      return;
    }
    if (closing) { dialog.close(); }
    target = link.anchor && doc.getElementById(link.anchor === "find" ? "all" : link.anchor);
    for (ancestor = target; ancestor; ancestor = ancestor.parentElement) { if (ancestor.tagName === "DETAILS") { ancestor.open = true; } }
    if (target && !(closing && link.anchor === "find")) {
      /* Rows and actions are scrolled to the middle of the screen, headings and larger elements to its top. */
      target.scrollIntoView({ block: /^(TR|LI|DETAILS)$/.test(target.tagName) && target.offsetHeight < innerHeight ? "center" : "start" });
    }
  }
  function fillOptions(key, pairs) {
    var field = findingsSection.querySelector('[data-key="' + key + '"]');
    pairs.forEach(function (pair) {
      var choice = make("option", "", pair[1]);
      choice.value = pair[0];
      append(field, choice);
    });
    if (pairs.length < 2) { field.closest("label").hidden = true; }
  }
  function optionOf(text) { return [text, text]; }
  function alphabetic(name) { return texts(name).slice(1).sort(collator.compare).map(optionOf); }
  function applyFilter() {
    history.replaceState(null, "", hrefOf("find"));
    arrange();
  }
  function measureRow() {
    var row = items.length && body.querySelector("tr[data-item]");
    if (row && row.offsetHeight && row.offsetHeight !== rowHeight) { rowHeight = row.offsetHeight; draw(true); }
  }
  function start(content) {
    var waiting, length = new DataView(content.buffer).getUint32(0, true), levels = [0, 0, 0, 0, 0], i;
    bytes = content;
    base = 4 + length;
    data = JSON.parse(new TextDecoder().decode(bytes.subarray(4, base)));
    total = data.count;
    for (i = 0; i < total; i += 1) { levels[column("severity")[i]] += 1; }
    pane = doc.getElementById("pane");
    table = pane.querySelector("table");
    body = table.tBodies[0];
    dialog = doc.getElementById("one");
    waiverDialog = doc.getElementById("waiver");
    fillOptions("severity", data.severities.filter(function (_, at) { return levels[at]; }));
    fillOptions("status", column("status").some(Boolean) ? STATUSES.filter(function (_, at) { return column("status").indexOf(at) >= 0; }).map(function (key) { return [key, data.labels[key]]; }) : []);
    fillOptions("change", column("change").some(Boolean) ? data.changes.slice(1) : []);
    fillOptions("policy", data.policies.slice().sort(function (a, b) { return collator.compare(a[1], b[1]); }));
    fillOptions("product", alphabetic("product"));
    fillOptions("department", alphabetic("department"));
    fillOptions("tenant", data.tenants.map(function (at) { return optionOf(at[1]); }));
    if (data.tenants.length < 2) { findingsSection.querySelector('option[value="tenant"]').remove(); }
    findingsSection.hidden = false;
    restore(locationParts().query);
    arrange();
    measureRow();
    findingsSection.querySelectorAll("[data-key]").forEach(function (field) {
      field.addEventListener("input", function () {
        state[field.dataset.key] = field.value;
        clearTimeout(waiting);
        waiting = setTimeout(applyFilter, field.type === "search" ? 150 : 0);
      });
    });
    doc.getElementById("clear").addEventListener("click", function () { restore(""); applyFilter(); });
    table.tHead.addEventListener("click", function (event) {
      var cell = event.target.closest("th[data-sort]"), key = cell && cell.dataset.sort;
      if (!key) { return; }
      /* The first click sorts money in descending order, other columns in ascending order; the third click removes the order. */
      var first = (cell.dataset.first || "") + key, second = first[0] === "-" ? key : "-" + key;
      state.sort = state.sort === first ? second : state.sort === second ? "" : first;
      pane.scrollTop = 0;
      applyFilter();
    });
    pane.addEventListener("scroll", function () { requestAnimationFrame(function () { draw(false); }); }, { passive: true });
    pane.addEventListener("keydown", onKeydown);
    body.addEventListener("focusin", function (event) {
      var row = event.target.closest("tr[data-item]");
      if (row) { active = Number(row.dataset.item); }
    });
    window.addEventListener("resize", function () { measureRow(); draw(true); });
    dialog.addEventListener("close", function () {
      // A link to another finding may have been followed meanwhile: then its dialog is already open, or the URL has changed.
      if (dialog.open) { return; }
      if (openFinding !== NONE && indexOfAnchor(locationParts().anchor) === openFinding) { history.replaceState(null, "", hrefOf("find")); }
      if (lastFocus && lastFocus.isConnected) { lastFocus.focus({ preventScroll: true }); } else { focus(active); }
    });
    dialog.querySelector("button").addEventListener("click", function () { dialog.close(); });
    dialog.querySelector(".waive").addEventListener("click", function () { showWaivers([openFinding]); });
    doc.getElementById("waive").addEventListener("click", function () { showWaivers(selection()); });
    waiverDialog.querySelector("button").addEventListener("click", function () { waiverDialog.close(); });
    waiverDialog.querySelector(".copy").addEventListener("click", copy);
    main.querySelectorAll("[data-more]").forEach(function (note) {
      var link = make("a", "", data.labels.every);
      link.href = "#find?policy=" + encodeURIComponent(note.dataset.more);
      append(note, " · ", link);
    });
    main.parentNode.querySelector(".skip").href = "#all-h";
    doc.querySelectorAll(".scripted").forEach(function (each) { each.hidden = false; });
    reveal();
    performance.mark("findings");
  }
  function unpack() {
    var content = decode(source.textContent);
    if (source.type !== "application/gzip") { return Promise.resolve(content); }
    return new Response(new Blob([content]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer()
      .then(function (whole) { return new Uint8Array(whole); });
  }
  /* A link to a finding opens its dialog; the page behind it does not scroll. */
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
  /* Print includes only open sections: the buttons open all of them before printing, and #open-all does for PDF converters. */
  function openAll(open) { main.querySelectorAll("details").forEach(function (each) { each.open = open; }); }
  doc.querySelector(".folds").hidden = false;
  [["open-all", true], ["close-all", false]].forEach(function (each) {
    doc.getElementById(each[0]).addEventListener("click", function () { openAll(each[1]); });
  });
  if (location.hash === "#open-all") { openAll(true); }
  if (source && findingsSection) { unpack().then(start); }
  reveal();
})();
