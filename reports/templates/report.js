(function () {
  "use strict";
  var main = document.querySelector("main");
  var folds = main.querySelectorAll("details");
  var box = document.getElementById("find");
  var told = document.getElementById("found");
  var rows = Array.prototype.map.call(main.querySelectorAll("tr[id^=f-]"), function (row) {
    return { row: row, text: row.textContent.toLowerCase() };
  });
  function open(all) {
    folds.forEach(function (fold) { fold.open = all; });
  }
  function reveal() {
    var target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    for (var up = target; up; up = up.parentElement) {
      if (up.tagName === "DETAILS") { up.open = true; }
    }
    if (target) { target.scrollIntoView({ block: "center" }); }
  }
  function search() {
    var words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0;
    rows.forEach(function (entry) {
      var hit = words.every(function (word) { return entry.text.indexOf(word) >= 0; });
      entry.row.hidden = !hit;
      if (hit) { shown += 1; }
    });
    main.querySelectorAll("details.group").forEach(function (fold) {
      var hit = fold.querySelector("tr[id^=f-]:not([hidden])");
      fold.hidden = words.length > 0 && !hit;
      if (words.length > 0 && hit) { fold.open = true; }
    });
    told.textContent = words.length ? told.dataset.text.replace("{count}", shown) : "";
  }
  if (box) {
    document.getElementById("tools").hidden = false;
    box.addEventListener("input", search);
    document.getElementById("open").addEventListener("click", function () { open(true); });
    document.getElementById("close").addEventListener("click", function () { open(false); });
  }
  window.addEventListener("hashchange", reveal);
  window.addEventListener("beforeprint", function () { open(true); });
  reveal();
})();
