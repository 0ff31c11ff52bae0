/* Tells a Recsite site what people do on this page. Built into static/js/recsite-events.js by `npm run build`.

   recsite.init({ site: "https://recsite.example", key: "rs_...", user: "ada" });
   recsite.track("view", "book-42", { recommendation_id: "...", value: 3 });
   recsite.optOut();       nothing is sent or kept from now on; recsite.optOut(false) takes it back

   The key must be one for browsers: bound to the origins of your pages, good for posting events only. Without a
   user the visitor is a guest with an id of this browser's own. Each event stays in the browser's storage, under
   its own id, until the site has answered for it; whatever is sent twice is stored once. Nothing is sent for who
   has set Do Not Track or Global Privacy Control. */
(function (w) {
  const IS_OFF = "recsite-off", GUEST = "recsite-guest", EVENT = "recsite:";
  const BATCH = 50, BATCH_BYTES = 6e4, KEPT_AT_MOST = 1e3, SOON = 1e3, LATEST = 6e4;
  const browser = w.navigator;
  let stored = {}, settings, timer, isSending, wait = SOON;

  try {
    stored = w.localStorage || stored;
  } catch (error) {} // a browser that lets pages keep nothing

  // What the storage has no room for is held until the page closes. What is in it counts all the same.
  const held = {};
  const get = (name) => stored[name] || held[name];
  const drop = (name) => {
    delete stored[name];
    delete held[name];
  };
  const keep = (name, value) => {
    try {
      stored[name] = value;
    } catch (error) {
      held[name] = value;
    }
    return value;
  };

  // Not randomUUID: pages without https do not have it.
  const newId = () => [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("-");
  const isOff = () => get(IS_OFF) || browser.doNotTrack == 1 || browser.globalPrivacyControl;
  const keys = () => Object.keys({ ...stored, ...held }).filter((name) => name.startsWith(EVENT));
  const address = () => settings.site + "/api/v1/events?key=" + settings.key;
  const later = () => (timer = timer || setTimeout(send, wait));

  // At most 64 KiB may be on their way from a page that closes; an event longer than that goes alone.
  const bytes = (text) => new Blob([text]).size;
  const batch = () => {
    let sum = 0;
    return keys().slice(0, BATCH).filter((name, n) => (sum += bytes(get(name))) < BATCH_BYTES || !n);
  };

  // As text, with the key in the address: a browser then needs no leave to send it, not even while a page closes.
  const bodyOf = (names) =>
    `{"sent_at":"${new Date().toISOString()}","events":[${names.map(get)}]}`;

  function send() {
    const names = batch();
    timer = clearTimeout(timer);
    if (!settings || isSending || !names[0] || isOff()) return;
    isSending = 1;
    const body = bodyOf(names);
    fetch(address(), { method: "POST", body, keepalive: bytes(body) < 65536, credentials: "omit" })
      .then((answer) => {
        // What the site will never take is not kept either.
        if (!answer.ok && answer.status != 400 && answer.status != 413) throw 0;
        names.forEach(drop);
        wait = SOON;
      })
      .catch(() => {
        wait = Math.min(wait * (1.5 + Math.random()), LATEST);
      })
      .then(() => {
        isSending = 0;
        if (keys()[0]) later();
      });
  }

  w.recsite = {
    init(given) {
      settings = given;
      if (!isOff()) send();
    },
    track(kind, item, more) {
      if (!settings || isOff() || keys().length >= KEPT_AT_MOST) return;
      const id = newId(), user_id = settings.user || get(GUEST) || keep(GUEST, newId());
      const event = { event_id: id, user_id, item_id: item, kind, occurred_at: new Date().toISOString(), ...more };
      keep(EVENT + id, JSON.stringify(event));
      later();
    },
    optOut(off = true) {
      // What goes makes room for the word that it is off, should there be none.
      [...keys(), GUEST, IS_OFF].forEach(drop);
      if (off) keep(IS_OFF, 1);
    },
  };

  w.addEventListener("online", () => {
    wait = SOON;
    send();
  });
  // Nobody hears the answer any more, so the events stay kept and the next page sends them again, for nothing.
  w.addEventListener("pagehide", () => {
    const names = batch();
    if (settings && names[0] && !isOff()) browser.sendBeacon(address(), bodyOf(names));
  });
})(window);
