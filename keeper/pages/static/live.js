// Replaces each keeper's part once a second; what is being read or zoomed stays until it is let go.
(() => {
  "use strict";
  const LONGEST_WAIT_MS = 10000;
  const line = document.querySelector("#connection");
  let wait = 500;

  function replaced(index, html) {
    const old = document.querySelectorAll("article.keeper")[index];
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const fresh = holder.content.firstElementChild;
    old.querySelectorAll("details[open]").forEach(details => {
      const same = fresh.querySelector('details[data-name="' + details.dataset.name + '"]');
      if (same) same.open = true;
    });
    const keepsCharts = window.athanor.isInUse() || old.contains(document.activeElement);
    old.querySelectorAll("[data-part]").forEach(part => {
      const next = fresh.querySelector('[data-part="' + part.dataset.part + '"]');
      if (!next) return;
      if (part.dataset.part.startsWith("charts")) {
        if (keepsCharts) return;
        part.replaceWith(next);
        window.athanor.adopt(next);
      } else if (part.innerHTML !== next.innerHTML) {
        part.replaceWith(next);
        window.athanor.adopt(next);
      }
    });
    old.className = fresh.className;
  }

  function say(text, tone) {
    line.textContent = text;
    line.className = "badge " + tone;
  }

  function connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(scheme + "//" + location.host + "/ws?as=page");
    socket.addEventListener("open", () => { wait = 500; say("updating", "good"); });
    socket.addEventListener("message", event => JSON.parse(event.data).forEach((html, index) => replaced(index, html)));
    socket.addEventListener("close", () => {
      say("not updating, trying again", "bad");
      setTimeout(connect, wait);
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
    });
  }

  connect();
})();
