/* A stream of events that is made again. A browser does so after a break, but gives up for good on
   any answer but 200, and does not say which it was: then we ask, and try again ourselves. */
const FIRST_RETRY = 1000;
const LAST_RETRY = 30000;
const ENDED = [401, 403];

function say(detail) {
  document.dispatchEvent(new CustomEvent("practicum:live", { detail }));
}

async function isOver(subject) {
  try {
    return ENDED.includes((await fetch(subject)).status);
  } catch {
    return false;
  }
}

/* Listens at `address()`; whether one may still look at `subject` says why it was refused.
   A hidden tab lets go of its connection, since a browser has few of them for one host. */
export function listen({ address, subject, kinds, receive }) {
  let source = null;
  let timer = 0;
  let delay = FIRST_RETRY;

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  async function fell(broken) {
    say("lost");
    if (broken.readyState !== EventSource.CLOSED) return;
    const over = await isOver(subject);
    if (broken !== source) return;
    if (over) {
      say("ended");
      return;
    }
    timer = setTimeout(open, delay);
    delay = Math.min(delay * 2, LAST_RETRY);
  }

  function open() {
    close();
    const opened = new EventSource(address());
    source = opened;
    opened.onopen = () => {
      delay = FIRST_RETRY;
      say("");
    };
    opened.onerror = () => fell(opened);
    for (const kind of kinds) opened.addEventListener(kind, receive);
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  open();
}
