// Before the first paint, so that a dark page never flashes white.
(function () {
  try {
    var chosen = JSON.parse(localStorage.getItem("anirec.settings") || "{}");
    if (chosen.theme === "dark" || chosen.theme === "light") document.documentElement.dataset.theme = chosen.theme;
    if (chosen.language) document.documentElement.lang = chosen.language;
  } catch (error) {
    // storage is closed or holds something else: the system's theme it is
  }
})();
