(function () {
  "use strict";
  var NONE = -1, TALLEST = 12e6, NEAR = 12;
  var KEYS = ["q", "severity", "status", "change", "policy", "product", "department", "tenant", "sort", "group"];
  var doc = document, root = doc.documentElement, main = doc.querySelector("main");
  var all = doc.getElementById("all"), island = doc.getElementById("columns");
  var figures = new Intl.NumberFormat(root.lang), collator = new Intl.Collator(root.lang, { numeric: true });
  var data, rows, total = 0, marks = [], places = null, items = [], groups = null, active = 0, high = 60;
  var state = {}, folded = {}, ranked = {}, shut = null, pane, table, body, one;

  function make(tag, kind, text) {
    var made = doc.createElement(tag);
    if (kind) { made.className = kind; }
    if (text !== undefined) { made.textContent = text; }
    return made;
  }
  function put(into) {
    for (var i = 1; i < arguments.length; i += 1) { if (arguments[i]) { into.append(arguments[i]); } }
    return into;
  }

  /* The address: #f-<fingerprint>?<filter>, #find?<filter>, or any other place of the page. */
  function parts() {
    var hash = location.hash.slice(1), cut = hash.indexOf("?");
    return cut < 0 ? { place: hash, query: null } : { place: hash.slice(0, cut), query: hash.slice(cut + 1) };
  }
  function query() {
    var told = new URLSearchParams();
    KEYS.forEach(function (key) { if (state[key]) { told.set(key, state[key]); } });
    return told.toString();
  }
  function address(place) {
    var told = query();
    return "#" + place + (told ? "?" + told : "");
  }
  function restore(text) {
    var told = new URLSearchParams(text || "");
    KEYS.forEach(function (key) { state[key] = told.get(key) || ""; });
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
  function holding(name, texts, word) {
    var known = folded[name] = folded[name] || texts.map(fold), hit = new Uint8Array(texts.length);
    for (var i = 0; i < known.length; i += 1) { if (known[i].indexOf(word) >= 0) { hit[i] = 1; } }
    return hit;
  }
  function searched(word) {
    var found = {
      name: holding("name", data.who.name, word), address: holding("address", data.who.address, word),
      what: holding("what", data.what, word), evidence: holding("evidence", data.evidence, word),
      waiver: holding("waiver", data.waiver, word),
      place: holding("place", data.places.map(function (at) { return data.policies[at[1]].join(" "); }), word)
    };
    return function (i) {
      var who = rows.who[i], told = rows.evidence[i], waiver = rows.waiver[i];
      return found.name[who] || found.address[who] || found.what[rows.what[i]] || found.place[rows.place[i]] ||
        (told !== NONE && found.evidence[told]) || (waiver !== NONE && found.waiver[waiver]);
    };
  }
  function tests() {
    var made = fold(state.q).split(/\s+/).filter(Boolean).map(searched);
    function only(key, column, of) {
      if (state[key]) { made.push(function (i) { return of(column[i]) === state[key]; }); }
    }
    function first(pairs) { return function (at) { return at === NONE ? "" : pairs[at][0]; }; }
    only("severity", rows.severity, first(data.severities));
    only("status", rows.status, function (at) { return at ? "waived" : "open"; });
    only("change", rows.change, first(data.changes));
    only("policy", rows.place, function (at) { return data.policies[data.places[at][1]][0]; });
    only("tenant", rows.place, function (at) { return data.tenants[data.places[at][0]][1]; });
    only("product", rows.product, function (at) { return data.product[at]; });
    only("department", rows.who, function (at) { return data.department[data.who.department[at]]; });
    return made;
  }
  function ranks(name, texts) {
    if (ranked[name]) { return ranked[name]; }
    var order = texts.map(function (_, i) { return i; }), place = ranked[name] = new Uint32Array(texts.length);
    var keys = texts.length > 40000 ? texts.map(fold) : null;
    order.sort(keys ? function (a, b) { return keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b; }
      : function (a, b) { return collator.compare(texts[a], texts[b]) || a - b; });
    order.forEach(function (at, rank) { place[at] = rank; });
    return place;
  }
  function ordering() {
    var key = state.sort.replace("-", "");
    if (key === "who") { var who = ranks("name", data.who.name); return function (i) { return who[rows.who[i]]; }; }
    if (key === "finding") { var what = ranks("what", data.what); return function (i) { return what[rows.what[i]]; }; }
    if (key === "month") {
      return function (i) { return rows.money[i] === NONE ? 0 : Math.round(data.money[rows.money[i]][1] * 100); };
    }
    return function (i) { return rows.severity[i] + (rows.status[i] ? 10 : 0); };
  }
  function chosen() {
    var wanted = tests(), of = ordering(), back = state.sort[0] === "-" ? -1 : 1, found = new Float64Array(total);
    var count = 0, i, t;
    for (i = 0; i < total; i += 1) {
      for (t = 0; t < wanted.length && wanted[t](i); t += 1) { /* every test has to agree */ }
      if (t === wanted.length) { found[count] = back * of(i) * total + i; count += 1; }
    }
    found = found.subarray(0, count).sort();
    return Array.from(found, function (key) { return ((key % total) + total) % total; });
  }
  function grouping() {
    switch (state.group) {
      case "policy": return [data.policies.map(function (at) { return at[1]; }), function (i) { return data.places[rows.place[i]][1]; }];
      case "who": return [data.who.name, function (i) { return rows.who[i]; }];
      case "product": return [data.product, function (i) { return rows.product[i]; }];
      case "department": return [data.department, function (i) { return data.who.department[rows.who[i]]; }];
      case "tenant": return [data.tenants.map(function (at) { return at[1]; }), function (i) { return data.places[rows.place[i]][0]; }];
      default: return null;
    }
  }

  /* What the table shows: numbers of findings, and -1, -2, … for the heads of groups. */
  function arrange() {
    var found = chosen(), by = grouping();
    groups = null;
    if (by) {
      var known = new Map();
      found.forEach(function (i) {
        var at = by[1](i), mine = known.get(at);
        if (!mine) { known.set(at, mine = { title: by[0][at] || data.labels.none, rows: [], worst: 9, open: false }); }
        mine.rows.push(i);
        mine.worst = Math.min(mine.worst, rows.severity[i]);
      });
      groups = Array.from(known.values());
      if (!state.sort) { groups.sort(function (a, b) { return a.worst - b.worst || b.rows.length - a.rows.length; }); }
    }
    active = 0;
    spread(found);
    doc.getElementById("shown").textContent = data.labels.shown
      .replace("{shown}", figures.format(found.length)).replace("{all}", figures.format(total));
    table.querySelectorAll("th[data-sort]").forEach(function (head) {
      var key = head.dataset.sort, down = state.sort === "-" + key;
      if (down || state.sort === key) { head.setAttribute("aria-sort", down ? "descending" : "ascending"); }
      else { head.removeAttribute("aria-sort"); }
    });
  }
  function spread(found) {
    items = found;
    if (groups) {
      items = [];
      groups.forEach(function (mine, at) {
        items.push(-1 - at);
        if (mine.open) { mine.rows.forEach(function (i) { items.push(i); }); }
      });
    }
    table.setAttribute("aria-rowcount", items.length + 1);
    draw(true);
  }

  function chips(i) {
    var made = make("span", "chips");
    if (rows.change[i]) { put(made, make("span", "chip new", data.changes[rows.change[i]][1])); }
    if (rows.status[i]) { put(made, make("span", "chip", data.labels.waived + " " + (data.waiver[rows.waiver[i]] || ""))); }
    return made;
  }
  function line(i) {
    var row = make("tr", rows.status[i] ? "waived" : ""), level = data.severities[rows.severity[i]], who = rows.who[i];
    var link = make("a", "", data.who.name[who]), name = make("th"), cells = [make("td"), make("td"), make("td"), make("td", "n")];
    var place = data.places[rows.place[i]];
    name.scope = "row";
    link.href = address("f-" + marks[i]);
    put(cells[0], make("span", "badge " + level[0], level[1]));
    put(name, put(make("div", "clip"), link, " ", make("small", "", data.who.address[who])));
    put(cells[1], put(make("div", "clip"), data.what[rows.what[i]], chips(i),
      make("small", "", data.policies[place[1]][1])));
    put(cells[2], make("div", "clip", rows.evidence[i] === NONE ? "" : data.evidence[rows.evidence[i]]));
    cells[3].textContent = rows.money[i] === NONE ? "" : data.money[rows.money[i]][0];
    return put(row, cells[0], name, cells[1], cells[2], cells[3]);
  }
  function head(at) {
    var mine = groups[at], cell = make("th"), button = make("button", "head"), row = make("tr", "by");
    var level = data.severities[mine.worst];
    cell.colSpan = 5;
    cell.scope = "rowgroup";
    button.type = "button";
    button.setAttribute("aria-expanded", mine.open);
    put(button, make("span", "badge " + level[0], level[1]), make("span", "name", mine.title),
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
    var at = window_(), key = at.from + ":" + at.to + ":" + at.above, within = body.contains(doc.activeElement), i, made = [];
    if (!anew && key === drawn) { return; }
    drawn = key;
    var tab = active >= at.from && active < at.to ? active : at.from;
    for (i = at.from; i < at.to; i += 1) {
      var row = items[i] < 0 ? head(-1 - items[i]) : line(items[i]), inside = row.querySelector("a, button");
      row.setAttribute("aria-rowindex", i + 2);
      row.dataset.item = i;
      inside.tabIndex = i === tab ? 0 : -1;
      made.push(row);
    }
    made.unshift(space(at.above));
    made.push(space(Math.max(0, at.tall - at.above - (at.to - at.from) * high)));
    body.replaceChildren.apply(body, made);
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
  function told(list, label, value) {
    if (value) { put(list, put(make("div"), make("dt", "", label), put(make("dd"), value))); }
  }
  function linked(anchor, text) {
    var link = make("a", "", text.replace(/\*\*|`/g, ""));
    link.href = "#" + anchor;
    return link;
  }
  function show(i) {
    var labels = data.labels, who = rows.who[i], place = data.places[rows.place[i]], level = data.severities[rows.severity[i]];
    var list = make("dl"), text = rows.money[i] === NONE ? "" : data.money[rows.money[i]][0];
    one.querySelector("h2").textContent = data.who.name[who];
    one.querySelector("p").textContent = data.who.address[who];
    told(list, labels.finding, data.what[rows.what[i]]);
    told(list, labels.severity, make("span", "badge " + level[0], level[1]));
    told(list, labels.status, rows.status[i] ? labels.waived : labels.open);
    told(list, labels.waiver, data.waiver[rows.waiver[i]]);
    told(list, labels.change, data.changes[rows.change[i]][1]);
    told(list, labels.policy, linked(place[2], data.policies[place[1]][1]));
    if (data.tenants.length > 1) { told(list, labels.tenant, data.tenants[place[0]][1]); }
    told(list, labels.department, data.department[data.who.department[who]]);
    told(list, labels.evidence, data.evidence[rows.evidence[i]]);
    told(list, labels.month, text);
    if (rows.action[i] !== NONE) { told(list, labels.act, linked(data.actions[rows.action[i]][0], data.actions[rows.action[i]][1])); }
    one.querySelector("dl").replaceWith(list);
    if (!one.open) { shut = doc.activeElement; one.showModal(); }
  }
  function found(place) {
    if (!data || place.slice(0, 2) !== "f-") { return NONE; }
    if (!places) { places = new Map(marks.map(function (mark, i) { return [mark, i]; })); }
    var i = places.get(place.slice(2));
    return i === undefined ? NONE : i;
  }

  function reveal() {
    var at = parts(), i, target, up;
    if (data && at.query !== null && at.query !== query()) { restore(at.query); arrange(); }
    i = found(at.place);
    if (i !== NONE) {
      var item = items.indexOf(i);
      if (item >= 0 && !groups) { active = item; pane.scrollTop = 0; go(item); }
      show(i);
      return;
    }
    if (one && one.open) { one.close(); }
    target = at.place && doc.getElementById(at.place === "find" ? "all" : at.place);
    for (up = target; up; up = up.parentElement) { if (up.tagName === "DETAILS") { up.open = true; } }
    if (target) { target.scrollIntoView({ block: at.place === "find" ? "start" : "center" }); }
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
  function sorted(texts) { return texts.slice().sort(collator.compare).map(same); }
  function changed() {
    history.replaceState(null, "", address("find"));
    arrange();
  }
  function measure() {
    var row = items.length && body.querySelector("tr[data-item]");
    if (row && row.offsetHeight && row.offsetHeight !== high) { high = row.offsetHeight; draw(true); }
  }
  function ready(told_) {
    var waiting;
    data = told_;
    rows = data.rows;
    marks = data.fingerprints ? data.fingerprints.split("\n") : [];
    total = marks.length;
    pane = doc.getElementById("pane");
    table = pane.querySelector("table");
    body = table.tBodies[0];
    one = doc.getElementById("one");
    options("severity", data.severities.filter(function (_, at) { return rows.severity.indexOf(at) >= 0; }));
    options("status", rows.status.indexOf(1) < 0 ? [] : [["open", data.labels.open], ["waived", data.labels.waived]]);
    options("change", rows.change.some(Boolean) ? data.changes.slice(1) : []);
    options("policy", data.policies.slice().sort(function (a, b) { return collator.compare(a[1], b[1]); }));
    options("product", sorted(data.product));
    options("department", sorted(data.department));
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
      if (key) { state.sort = state.sort === key ? "-" + key : state.sort === "-" + key ? "" : key; pane.scrollTop = 0; changed(); }
    });
    pane.addEventListener("scroll", function () { requestAnimationFrame(function () { draw(false); }); }, { passive: true });
    pane.addEventListener("keydown", keyed);
    body.addEventListener("focusin", function (event) {
      var row = event.target.closest("tr[data-item]");
      if (row) { active = Number(row.dataset.item); }
    });
    window.addEventListener("resize", function () { measure(); draw(true); });
    one.addEventListener("close", function () {
      if (found(parts().place) !== NONE) { history.replaceState(null, "", address("find")); }
      if (shut && shut.isConnected) { shut.focus({ preventScroll: true }); } else { focus(active); }
    });
    one.querySelector("button").addEventListener("click", function () { one.close(); });
    main.querySelectorAll("[data-more]").forEach(function (note) {
      var link = make("a", "", data.labels.every);
      link.href = "#find?policy=" + encodeURIComponent(note.dataset.more);
      put(note, " · ", link);
    });
    reveal();
    performance.mark("findings");
  }
  function unpacked() {
    var text = island.textContent, bytes;
    if (island.type === "application/json") { return Promise.resolve(JSON.parse(text)); }
    if (Uint8Array.fromBase64) { bytes = Uint8Array.fromBase64(text); }
    else { bytes = Uint8Array.from(atob(text), function (sign) { return sign.charCodeAt(0); }); }
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  }
  window.addEventListener("hashchange", reveal);
  window.addEventListener("beforeprint", function () {
    main.querySelectorAll("details").forEach(function (each) { each.open = true; });
  });
  if (island && all) { unpacked().then(ready); }
  reveal();
})();
