/* The frame of every page: theme, search by "/", menus that close, filters that submit themselves. */
(() => {
  "use strict";

  const YEAR_SECONDS = 365 * 86400;

  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function chooseTheme(event) {
    event.preventDefault();
    const theme = isDark() ? "light" : "dark";
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.documentElement.dataset.theme = theme;
    document.cookie = `theme=${theme}; path=/; max-age=${YEAR_SECONDS}; samesite=lax${secure}`;
    document.querySelector('meta[name="color-scheme"]').content = theme;
    document.dispatchEvent(new CustomEvent("themechange"));
  }

  function onKey(event) {
    const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = document.getElementById("search");
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    }
    if (event.key === "Escape") closeMenus(null);
  }

  function closeMenus(target) {
    for (const menu of document.querySelectorAll("details[data-closes][open]")) {
      if (!target || !menu.contains(target)) menu.open = false;
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const form of document.querySelectorAll("[data-theme-form]")) form.addEventListener("submit", chooseTheme);
    document.addEventListener("keydown", onKey);
    document.addEventListener("click", (event) => closeMenus(event.target));
    document.addEventListener("change", (event) => {
      if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
    });
    // An empty filter says nothing in an address.
    document.addEventListener("submit", (event) => {
      if (event.target.method !== "get") return;
      for (const field of event.target.elements) if (field.name && !field.value) field.disabled = true;
    });
  });
  // The browser's "back" shows the page as it was left; fields switched off above must work again.
  addEventListener("pageshow", () => {
    for (const field of document.querySelectorAll('form[method="get"] [disabled]')) field.disabled = false;
  });
})();
